from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    # Part of the wire contract: permission names and `model` values carry authentik's label.
    label = "authentik_core"
    verbose_name = "authentik Core"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from accounts.signins import note_session

        # Under the name of Django's own receiver, which comes later and is then left out: it would
        # write the moment of the sign-in without its event.
        user_logged_in.connect(note_session, dispatch_uid="update_last_login")
