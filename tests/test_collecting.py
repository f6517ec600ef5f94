import gc
import importlib


def test_a_serving_process_does_not_collect_itself():
    before = gc.get_threshold()
    try:
        importlib.import_module("rbac_service.wsgi")

        assert gc.get_freeze_count() > 100_000
        assert gc.get_threshold()[0] > 10_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
