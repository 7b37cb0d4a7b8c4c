import pytest

from runtime.shown_url import linked_url, shown_url, workflows_url


@pytest.mark.parametrize(
    ("url", "shown", "linked"),
    [
        ("https://ui.example:8233/base", "https://ui.example:8233/base", "https://ui.example:8233/base"),
        ("https://u:hidden@ui.example/base", "https://***@ui.example/base", "https://ui.example/base"),
        ("https://hidden@ui.example", "https://***@ui.example", "https://ui.example"),
        ("https://u:hid@den@ui.example/", "https://***@ui.example/", "https://ui.example/"),
        ("HTTPS://u:hidden@[::1]:1/", "HTTPS://***@[::1]:1/", "HTTPS://[::1]:1/"),
        ("https://i.example/keys?token=hidden&a=b#c", "https://i.example/keys?***", "https://i.example/keys"),
        ("https://i.example/keys?token=hidden\n&more=hidden", "https://i.example/keys?***", "https://i.example/keys"),
        ("https://i.example/keys#hidden?hidden", "https://i.example/keys#***", "https://i.example/keys"),
        ("https://i.example/@team/keys", "https://i.example/@team/keys", "https://i.example/@team/keys"),
        ("https://i.example?mail=a@hidden", "https://i.example?***", "https://i.example"),
        ("//u:hidden@i.example/", "//***@i.example/", "//i.example/"),
        ("u:hidden@temporal:7233", "***@temporal:7233", "temporal:7233"),
        ("temporal:7233", "temporal:7233", "temporal:7233"),
    ],
)
def test_what_may_be_secret_is_not_shown(url, shown, linked):
    assert (shown_url(url), linked_url(url)) == (shown, linked)


@pytest.mark.parametrize(
    ("namespace", "shown"),
    [("default", "default"), ("proposals.a1b2c", "proposals.a1b2c"), ("a b/?#", "a%20b%2F%3F%23")],
)
def test_a_namespace_is_one_part_of_the_path(namespace, shown):
    url = workflows_url("https://u:hidden@ui.example/base/?x", namespace=namespace)
    assert url == f"https://ui.example/base/namespaces/{shown}/workflows"
