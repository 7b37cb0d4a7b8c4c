"""A run that cannot start says why in one line."""

from cli.local.issuer import Issuer
from cli.local.ports import free_port
from cli.local.serving import serve
from cli.local.stack import Ports


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "people-keys.json").mkdir()
    ports = Ports(api=free_port(), temporal=free_port(), ui=free_port(), postgres=None)

    assert serve(tmp_path, ports, command="demo", once_ready=None, issuer=Issuer(tmp_path)) == 1

    assert capsys.readouterr().err == f"proposals demo: {tmp_path} cannot be used: Is a directory\n"
