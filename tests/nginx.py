"""nginx as `deploy/` configures it, on this machine and as whoever runs the tests."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template

import pytest

TEMPLATE = Path(__file__).parents[1] / 'deploy' / 'nginx' / 'maakav.conf.template'
_AROUND = Template("""
$user
daemon off;
worker_processes 2;
pid $folder/pid;
error_log stderr crit;
events { worker_connections 256; }
http {
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    include $folder/maakav.conf;
}
""")


def nginx_program() -> str:
    """Where nginx is; without one the test is skipped, unless it must not be."""
    found = shutil.which('nginx', path=f'{os.environ.get("PATH", "")}:/usr/sbin:/usr/local/sbin')
    if found is None:
        if os.environ.get('REQUIRE_NGINX'):
            pytest.fail('no nginx, and REQUIRE_NGINX is set')
        pytest.skip('no nginx: the stories of several instances are not told')
    return found


def configured(listen: str, instances: Sequence[str], logs: Path) -> str:
    """The configuration of `deploy/`, filled in as its first lines say."""
    servers = ' '.join(f'server {instance} max_fails=1 fail_timeout=5s;' for instance in instances)
    told = {'ACCESS_LOG': str(logs / 'maakav.log'), 'ERROR_LOG': str(logs / 'maakav-error.log')}
    return Template(TEMPLATE.read_text('utf-8')).safe_substitute(told, LISTEN=listen, INSTANCES=servers)


def write_configuration(folder: Path, configuration: str) -> Path:
    """What nginx needs around it to run here, as whoever runs the tests."""
    (folder / 'maakav.conf').write_text(configuration, 'utf-8')
    user = 'user root;' if os.geteuid() == 0 else ''
    main = folder / 'nginx.conf'
    main.write_text(_AROUND.substitute(folder=folder, user=user), 'utf-8')
    return main
