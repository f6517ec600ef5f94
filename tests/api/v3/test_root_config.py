URL = "/api/v3/root/config/"


def test_everybody_gets_what_published_programs_ask_for(anonymous):
    response = anonymous.get(URL)

    assert response.status_code == 200
    assert response.json()["error_reporting"]["enabled"] is False
    assert response.json()["capabilities"] == []


def test_a_bad_token_is_not_looked_at(anonymous):
    anonymous.credentials(HTTP_AUTHORIZATION="Bearer nobodys")

    assert anonymous.get(URL).status_code == 200
