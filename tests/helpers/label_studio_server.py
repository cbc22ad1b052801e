"""A server of Label Studio on this machine, for tests that ask the tool itself.

It is no dependency of this project and wants an environment of its own: `python -m venv DIR &&
DIR/bin/pip install label-studio`; tests find it by LABEL_STUDIO=DIR/bin/label-studio, or on PATH.
"""

import contextlib
import http.cookiejar
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

TOKEN = "0123456789abcdef0123456789abcdef01234567"
FIRST, SECOND, PASSWORD = "anna@example.com", "ben@example.com", "for-this-test-only"
STARTS_WITHIN = 300


class User:
    """One who annotates, by the server's API."""

    def __init__(self, url, token):
        self.url, self.token = url, token

    def call(self, method, path, body=None):
        """What the server answers, as bytes."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()

    def ask(self, method, path, body=None):
        return json.loads(self.call(method, path, body))

    def project(self, title, config, tasks):
        """A project with tasks to import; its number, and item -> number of the task."""
        settings = {"title": title, "label_config": config, "maximum_annotations": 3}
        number = self.ask("POST", "/api/projects/", settings)["id"]
        told = self.ask("POST", f"/api/projects/{number}/import?return_task_ids=true", tasks)
        numbers = told["task_ids"]
        assert told["task_count"] == len(tasks)
        assert told["prediction_count"] == sum(len(task["predictions"]) for task in tasks)
        items = [self.ask("GET", f"/api/tasks/{one}/")["data"]["item"] for one in numbers]
        return number, dict(zip(items, numbers, strict=True))

    def annotate(self, task, choices, seconds, *, cancelled=False):
        """Annotate a task as the page does; the annotation's number."""
        body = {"result": results(choices), "lead_time": seconds, "was_cancelled": cancelled}
        return self.ask("POST", f"/api/tasks/{task}/annotations/", body)["id"]

    def export(self, project, kind):
        """An export of all tasks, by the server's own exporter."""
        query = urllib.parse.urlencode({"exportType": kind, "download_all_tasks": "true"})
        return self.call("GET", f"/api/projects/{project}/export?{query}")


def results(choices):
    if not choices:
        return []
    value = {"from_name": "label", "to_name": "shown", "type": "choices"}
    return [{**value, "value": {"choices": choices}}]


@contextlib.contextmanager
def label_studio(folder):
    """Two users of a new server whose data are in `folder`, which is its document root, too."""
    program = os.environ.get("LABEL_STUDIO") or shutil.which("label-studio")
    if program is None:
        pytest.skip("label-studio is not installed (LABEL_STUDIO=DIR/bin/label-studio names it)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    local = {"SERVING_ENABLED": "true", "DOCUMENT_ROOT": str(folder)}
    settings = {f"LABEL_STUDIO_LOCAL_FILES_{name}": value for name, value in local.items()}
    settings["COLLECT_ANALYTICS"] = "false"
    options = {"port": port, "internal-host": "127.0.0.1", "data-dir": folder, "username": FIRST}
    options |= {"password": PASSWORD, "user-token": TOKEN}
    command = [program, "start", "--no-browser", "--enable-legacy-api-token", "--agree-fix-sqlite"]
    command += [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    with open(folder / "log.txt", "w") as log:
        server = subprocess.Popen(
            command,
            env={**os.environ, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait(url, server, folder)
            yield User(url, TOKEN), User(url, sign_up(url, SECOND))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def wait(url, server, folder):
    limit = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < limit and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/version", timeout=5):
            return
        time.sleep(0.5)
    raise AssertionError((folder / "log.txt").read_text()[-2000:])


def sign_up(url, address):
    """The token of a new user."""
    cookies = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    opener.open(f"{url}/user/signup/", timeout=60).close()
    form = {"email": address, "password": PASSWORD, "allow_newsletters": "false"}
    form["csrfmiddlewaretoken"] = next(one.value for one in cookies if one.name == "csrftoken")
    data = urllib.parse.urlencode(form).encode()
    opener.open(f"{url}/user/signup/", data, timeout=60).close()
    with opener.open(f"{url}/api/current-user/token", timeout=60) as answer:
        return json.load(answer)["token"]
