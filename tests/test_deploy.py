"""deploy/ as far as it can be judged without a container engine."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from play import Stage, scenarios
from tollbar import departure, server
from tollbar.store import archive

DEPLOY = Path(__file__).parents[1] / "deploy"
TREE = DEPLOY.parent
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"

NAMED = re.compile(r"\b(?:tollbar|process)_[a-z_]+\b")
# Grafana fills these in; any duration will do for the check of an expression.
GRAFANA = {"$__rate_interval": "5m", "$__range": "1h", "$instance": ".*"}


def run(*command: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, input=given
    )


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What /metrics has of a gateway with the sample configuration, after two calls
    and a chat.

    A series with labels is there once something counted; the emergency call is a notice.
    """
    stage = Stage(tmp_path_factory.mktemp("stage"))
    stage.start()
    try:
        for call in scenarios():
            if call.name in ("basic-call", "emergency-911", "chat-refused"):
                assert stage.play(call).wrong == []
        url = f"http://127.0.0.1:{stage.ports[9464]}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text: str = answer.read().decode()
    finally:
        stage.stop()
    return text


@pytest.fixture(scope="module")
def shown(scraped: str) -> set[str]:
    """The names on /metrics."""
    families = text_string_to_metric_families(scraped)
    return {sample.name for family in families for sample in family.samples}


def panel_expressions() -> list[str]:
    board = json.loads(DASHBOARD.read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def alert_expressions() -> list[str]:
    groups = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for value in tree.values():
            yield from strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value)
    elif isinstance(tree, str):
        yield tree


@pytest.mark.parametrize("source", [panel_expressions, alert_expressions])
def test_every_metric_that_a_panel_or_an_alert_names_is_on_metrics(
    shown: set[str], source: Callable[[], list[str]]
) -> None:
    named = {name for expression in source() for name in NAMED.findall(expression)}
    assert named
    assert named - shown == set()


def test_every_metric_of_the_gateway_has_a_panel_or_an_alert(shown: set[str]) -> None:
    used = " ".join(panel_expressions() + alert_expressions())
    ours = {
        re.sub(r"_(bucket|sum|count|total)$", "", name)
        for name in shown
        if name.startswith("tollbar_")
    }
    assert {name for name in ours if name not in used} == set()


def test_prometheus_accepts_what_is_scraped(scraped: str) -> None:
    done = run("promtool", "check", "metrics", given=scraped)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_prometheus_accepts_configuration_and_alert_rules() -> None:
    done = run("promtool", "check", "config", DEPLOY / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alert_expressions())} rules found" in done.stdout


def test_the_alerts_fire_when_they_should() -> None:
    done = run("promtool", "test", "rules", Path(__file__).with_name("alerts.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = []
    for number, expression in enumerate(panel_expressions()):
        for name, value in GRAFANA.items():
            expression = expression.replace(name, value)
        rules.append({"record": f"panel:{number}", "expr": expression})
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = run("promtool", "check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_panel_asks_the_provisioned_data_source() -> None:
    path = DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yaml"
    provisioned = {source["uid"] for source in yaml.safe_load(path.read_text())["datasources"]}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        assert panel["datasource"]["uid"] in provisioned
        assert all(t["datasource"]["uid"] in provisioned for t in panel["targets"])


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "tollbar.service"
    text = (DEPLOY / "tollbar.service").read_text()
    assert text.count("/opt/tollbar/bin/tollbar run") == 1
    unit.write_text(text.replace("/opt/tollbar/bin/tollbar run", "/bin/true run"))
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_does_not_give_up() -> None:
    unit = (DEPLOY / "tollbar.service").read_text().splitlines()
    assert {"Restart=on-failure", "StartLimitIntervalSec=0"} <= set(unit)


def test_stopping_is_given_the_time_that_it_may_take() -> None:
    longest = departure.SETUPS + server.WRITE + archive.CARRY
    (unit,) = re.findall(r"^TimeoutStopSec=(\d+)$", (DEPLOY / "tollbar.service").read_text(), re.M)
    gateway = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["gateway"]
    assert min(int(unit), int(gateway["stop_grace_period"].removesuffix("s"))) > longest + 10


def test_systemd_finds_the_unit_hardened() -> None:
    done = run(
        "systemd-analyze",
        "security",
        "--offline=true",
        "--threshold=20",
        "--no-pager",
        DEPLOY / "tollbar.service",
    )
    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize(
    "path", sorted(DEPLOY.rglob("*.y*ml")), ids=lambda path: str(path.relative_to(DEPLOY))
)
def test_yaml_is_well_formed(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


def test_the_files_that_compose_mounts_exist() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    mounts = [m.partition(":")[0] for s in services.values() for m in s.get("volumes", [])]
    paths = [mount for mount in mounts if mount.startswith(".")]
    assert paths
    assert [path for path in paths if not (DEPLOY / path).exists()] == []


def test_the_files_that_the_image_copies_exist() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [
        name
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    assert copied
    assert [name for name in copied if not (TREE / name).exists()] == []
    # What is copied must get past the list of what the build may see.
    admitted = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert [name for name in copied if f"!{name}" not in admitted] == []


def test_images_are_named_without_a_registry_host() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    images = [service["image"] for service in compose["services"].values()]
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    images += [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert [name for name in images if "." in name.split("/")[0].partition(":")[0]] == []


def test_compose_is_not_reachable_from_outside() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert {service["network_mode"] for service in services.values()} == {"host"}
    assert not [text for text in strings(services) if "0.0.0.0" in text]
    assert "--web.listen-address=127.0.0.1:9090" in services["prometheus"]["command"]
    assert services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
