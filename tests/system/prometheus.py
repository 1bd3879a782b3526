#!/usr/bin/env python3
"""prometheus: Debian's Prometheus scrapes a gateway, each alert fires when it should and only then, and whatever the
dashboard shows is there."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import (PATIENCE, SOURCE, Process, World, configuration, destination, element, equal, folder_destination,
                     partner, route, wait_for)
from tap import Skip, run, test

RULES = SOURCE / "etc" / "prometheus" / "muengsten.rules.yml"
DASHBOARD = SOURCE / "etc" / "grafana" / "muengsten.json"
PORTAL = "wuppertal-portal"
DAY = 86400


def series(name, values, **labels):
    """One input of promtool: a series of one gateway with its values minute by minute."""
    pairs = {"job": "muengsten", "instance": "a:9980", **labels}
    return {"series": name + "{" + ",".join(f'{key}="{value}"' for key, value in pairs.items()) + "}",
            "values": str(values)}


def office(name, values, **labels):
    return series(f"muengsten_destination_{name}", values, destination="office", **labels)


def buckets(name, **counts):
    """A histogram with two ends; what lies above the first is slow."""
    return [series(f"{name}_bucket", counts["quick"], le=counts["first"], **counts.get("labels", {})),
            series(f"{name}_bucket", counts["all"], le=counts["second"], **counts.get("labels", {})),
            series(f"{name}_bucket", counts["all"], le="+Inf", **counts.get("labels", {}))]


def expiry(days):
    return [series("muengsten_certificate_expiry_timestamp_seconds", f"{days * DAY}x300", role="tls", owner="",
                   subject="CN=us", fingerprint="00")]


COMMITS = "muengsten_store_commit_duration_seconds"
DELIVERIES = "muengsten_delivery_duration_seconds"
SPACE = series("muengsten_store_reserve_bytes", "1000000000x600")
OFFICE = {"destination": "office"}

# Of each alert: what makes it fire, what must not, and the minute at which that is looked at.
ALERTS = {
    "MuengstenDown": ([series("up", "0x30")], [series("up", "1x30")], 10),
    "MuengstenNotScraped": ([series("up", "1x30", job="other")], [series("up", "0x30")], 10),
    "MuengstenRestarts": ([series("process_start_time_seconds", "10x5 300x5 700x10")],
                          [series("process_start_time_seconds", "10x5 300x20")], 20),
    "MuengstenReloadRefused": ([series("muengsten_configuration_refused", "1x30")],
                               [series("muengsten_configuration_refused", "1x3 0x30")], 10),
    "MuengstenSealUnannounced": (
        [series("muengsten_health_reasons", "1x60", code="seal.unannounced", severity="warning")],
        [series("muengsten_health_reasons", "1x60", code="reload.refused", severity="warning")], 10),
    "MuengstenManyRefusals": (
        [series("muengsten_messages_refused_total", "0+5x60", code="schema.invalid"),
         series("muengsten_messages_accepted_total", "0+10x60")],
        [series("muengsten_messages_refused_total", "0+5x60", code="schema.invalid"),
         series("muengsten_messages_accepted_total", "0+1000x60")], 50),
    "MuengstenRouteDown": ([series("muengsten_route_state", "2x30", route="* > ags:1")],
                           [series("muengsten_route_state", "1x30", route="* > ags:1")], 10),
    "MuengstenDestinationDown": ([office("state", "1x30", state="down")],
                                 [office("state", "0x30", state="down"), office("state", "1x30", state="ready")], 10),
    "MuengstenDestinationBlocked": ([office("state", "1x30", state="blocked")],
                                    [office("state", "0x30", state="blocked")], 10),
    "MuengstenDestinationPaused": ([office("state", "1x100", state="paused")],
                                   [office("state", "0x60 1x40", state="paused")], 90),
    "MuengstenDestinationRemoved": ([office("state", "1x30", state="removed"), office("waiting", "3x30")],
                                    [office("state", "1x30", state="removed"), office("waiting", "0x30")], 10),
    "MuengstenDeadLetters": ([office("dead", "0x5 2x30")], [office("dead", "2x5 0x30")], 10),
    "MuengstenHeld": ([office("held", "0x5 2x30")], [office("held", "2x5 0x30")], 10),
    "MuengstenBacklog": ([office("oldest_age_seconds", "1000x30"), office("oldest_age_limit_seconds", "900x30")],
                         [office("oldest_age_seconds", "800x30"), office("oldest_age_limit_seconds", "900x30")], 10),
    "MuengstenSoonGivenUp": ([office("oldest_age_seconds", "80x30"), office("give_up_seconds", "100x30")],
                             [office("oldest_age_seconds", "70x30"), office("give_up_seconds", "100x30")], 10),
    "MuengstenBreakerOpen": ([office("breaker_open", "1x30")], [office("breaker_open", "1 0 1 0 1 0 1 0 1 0 1")], 10),
    "MuengstenDeliverySlow": (
        buckets(DELIVERIES, first="2.5", second="30", quick="0x60", all="0+6x60", labels=OFFICE),
        buckets(DELIVERIES, first="2.5", second="30", quick="0+6x60", all="0+6x60", labels=OFFICE), 50),
    "MuengstenSourceDown": ([series("muengsten_instance_up", "0x30", adapter="rest", source="in")],
                            [series("muengsten_instance_up", "1x30", adapter="rest", source="in"),
                             series("muengsten_instance_up", "0x30", adapter="rest", destination="out")], 10),
    "MuengstenAdapterRestarts": (
        [series("muengsten_instance_process_restarts_total", "0+1x30", adapter="sftp", source="in")],
        [series("muengsten_instance_process_restarts_total", "0x10 1x30", adapter="sftp", source="in")], 20),
    "MuengstenCertificateExpires": (expiry(20), expiry(40) + [
        series("muengsten_certificate_expiry_timestamp_seconds", f"{3 * DAY}x300", role="seal", owner="",
               subject="CN=us", fingerprint="01")], 120),
    "MuengstenCertificateEnds": (expiry(3), expiry(20), 10),
    "MuengstenAuditFailing": (
        [series("muengsten_health_reasons", "1x60", code="audit.failing", severity="warning")],
        [series("muengsten_health_reasons", "0x60", code="audit.failing", severity="warning")], 30),
    "MuengstenRevocationListExpires": (
        [series("muengsten_health_reasons", "1x60", code="revocation.expiring", severity="warning")],
        [series("muengsten_health_reasons", "1x60", code="revocation.stale", severity="critical")], 30),
    "MuengstenRevocationListStale": (
        [series("muengsten_revocation_list_next_update_timestamp_seconds", "60x60", issuer="CN=root")],
        [series("muengsten_revocation_list_next_update_timestamp_seconds", f"{DAY}x60", issuer="CN=root")], 30),
    "MuengstenStoreFills": ([series("muengsten_store_free_bytes", "10000000000-10000000x500"), SPACE],
                            [series("muengsten_store_free_bytes", "10000000000x500"), SPACE], 480),
    "MuengstenStoreSpace": ([series("muengsten_store_free_bytes", "1500000000x30"), SPACE],
                            [series("muengsten_store_free_bytes", "2500000000x30"), SPACE], 10),
    "MuengstenStoreRefuses": (
        [series("muengsten_store_accepts", "0x30"), series("muengsten_store_failed", "0x30")],
        [series("muengsten_store_accepts", "1x30"), series("muengsten_store_failed", "0x30")], 10),
    "MuengstenStoreFailed": ([series("muengsten_store_failed", "1x30")], [series("muengsten_store_failed", "0x30")], 10),
    "MuengstenStoreSlow": (buckets(COMMITS, first="0.25", second="1", quick="0x60", all="0+60x60"),
                           buckets(COMMITS, first="0.25", second="1", quick="0+60x60", all="0+60x60"), 50),
    "MuengstenStoreBacklog": ([series("muengsten_store_backlog", "3000x30")],
                              [series("muengsten_store_backlog", "3000x3 10x30")], 10),
}


def promtool(*words):
    tool = shutil.which("promtool")
    if not tool:
        raise Skip("there is no promtool")
    return subprocess.run([tool, *map(str, words)], capture_output=True, text=True, check=False)


class Watched(World):
    """A gateway, and the Prometheus that watches it."""

    def __enter__(self):
        self.status_port, self.prometheus_port = self.free_port(), self.free_port()
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.main = self.gateway(configuration(
            self, partners=[partner(self.pki, PORTAL)],
            destinations=[destination("main", self.city_system), folder_destination("files", self.folder / "outbox")],
            routes=[route("test:main", "main"), route("test:files", "files")],
            extra=element("status", address=f"127.0.0.1:{self.status_port}")))
        return self

    def send(self, name="main"):
        _, text = self.signed("wuppertal", f"test:{name}")
        return self.client().post(text).expect(201).id

    def families(self):
        """The names of the metrics that the gateway exports, with those that a histogram has."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/metrics") as answer:
            types = re.findall(r"^# TYPE (\S+) (\S+)$", answer.read().decode(), re.MULTILINE)
        return {name + end for name, kind in types
                for end in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))}

    def prometheus(self):
        """The Prometheus, started when it is first wanted."""
        command = shutil.which("prometheus")
        if not command:
            raise Skip("there is no prometheus")
        if not any(process.name == "prometheus" for process in self.processes):
            folder = self.folder / "prometheus"
            folder.mkdir()
            (folder / "prometheus.yml").write_text(json.dumps({
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"},
                "rule_files": [str(RULES)],
                "scrape_configs": [{"job_name": "muengsten", "static_configs": [
                    {"targets": [f"127.0.0.1:{self.status_port}"]}]}]}), encoding="utf-8")
            process = Process("prometheus", self.folder, [
                command, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.prometheus_port}"])
            self.processes.append(process)
            process.launch()
        return self

    def api(self, path, **parameters):
        """What Prometheus answers, or None while it cannot."""
        url = f"http://127.0.0.1:{self.prometheus_port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20 * PATIENCE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it starts
                return None
            raise AssertionError(f"{url}: {error.read().decode()}") from error
        except OSError:
            return None

    def value(self, query):
        found = self.api("query", query=query)
        return float(found["result"][0]["value"][1]) if found and found["result"] else None


@test("promtool finds nothing wrong with the alert rules")
def rules(world):
    done = promtool("check", "rules", RULES)
    equal(done.returncode, 0, done.stdout + done.stderr)


@test("each alert fires when it should, and only then")
def alerts(world):
    names = re.findall(r"^ *- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)
    equal(sorted(names), sorted(ALERTS), "every alert has a test")
    tests = []
    for name, (fires, is_quiet, minute) in ALERTS.items():
        query = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)'
        for inputs, count in ((fires, 1), (is_quiet, 0)):
            tests.append({"name": f"{name} {count}", "interval": "1m", "input_series": inputs, "promql_expr_test": [
                {"expr": query, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": count}]}]})
    file = world.folder / "alerts.test.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}, indent=1),
                    encoding="utf-8")
    done = promtool("test", "rules", file)
    equal(done.returncode, 0, done.stdout + done.stderr)


@test("each alert names a row of the handbook's table of alarms, a summary and a severity")
def handbook(world):
    text = RULES.read_text(encoding="utf-8")
    table = (SOURCE / "docs" / "operations.md").read_text(encoding="utf-8")
    codes = re.findall(r"labels: \{severity: (?:warning|critical), code: ([a-z.-]+)\}", text)
    equal(len(codes), len(ALERTS), "every alert has both labels")
    for code in set(codes):
        assert f"| `{code}` |" in table, f"{code} stands in docs/operations.md"
    for word in ("summary", "description"):
        equal(len(re.findall(rf"^ +{word}: \S", text, re.MULTILINE)), len(ALERTS), word)


@test("alert rules and dashboard ask for nothing but what the gateway exports")
def names_exist(world):
    exported = world.families() | {"up"}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(queries) >= 15, queries
    text = re.sub(r"\{\{.*?\}\}|#.*", "", RULES.read_text(encoding="utf-8"))
    for asked in queries + [text]:
        for name in re.findall(r"\b(?:muengsten|process)_[a-z0-9_]+", asked):
            assert name in exported, f"{name} in {asked[:200]}"


@test("a real Prometheus scrapes the gateway and has its values")
def scraped(world):
    world.prometheus()
    for _ in range(3):
        world.send()
    wait_for(lambda: world.value('muengsten_destination_deliveries_total{destination="main",outcome="delivered"}') == 3,
             "Prometheus has the three deliveries", 40)
    target, = world.api("targets")["activeTargets"]
    equal((target["health"], target["lastError"]), ("up", ""))
    equal(world.value("muengsten_messages_accepted_total"), 3)
    equal(world.value('muengsten_intake_duration_seconds_count{type="service:0101",source="submission"}'), 3)
    half = world.value('histogram_quantile(0.5, muengsten_delivery_duration_seconds_bucket{destination="main"})')
    assert half and 0 < half < 60, half
    kinds = world.api("metadata")
    equal(kinds["muengsten_delivery_duration_seconds"][0]["type"], "histogram")
    equal(kinds["muengsten_messages_refused_total"][0]["type"], "counter")


@test("every query of the dashboard, and every alert, is one that Prometheus can answer")
def queries_work(world):
    world.prometheus()
    wait_for(lambda: world.value("up") == 1, "Prometheus has scraped", 40)
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    for query in queries:
        query = query.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$job", "muengsten")
        assert world.api("query", query=query) is not None, query
    groups = world.api("rules")["groups"]
    wait_for(lambda: all(rule["health"] == "ok" for group in world.api("rules")["groups"] for rule in group["rules"]),
             "every rule was evaluated", 40)
    equal(sum(len(group["rules"]) for group in groups), len(ALERTS))


@test("an alert fires in Prometheus when deliveries die, with a sentence for people")
def firing(world):
    world.prometheus()
    wait_for(lambda: world.value("up") == 1, "Prometheus has scraped", 40)

    def dead():
        return [one for one in world.api("alerts")["alerts"]
                if (one["labels"]["alertname"], one["state"]) == ("MuengstenDeadLetters", "firing")]

    equal(dead(), [])
    world.city_system.change("--refuse", "422")
    world.send()
    alert, = wait_for(dead, "the alert fires", 40)
    equal((alert["labels"]["destination"], alert["labels"]["severity"]), ("main", "warning"))
    equal(alert["annotations"]["summary"], "1 deliveries to main were given up")


@test("the history has a point for each minute, with what happened in it")
def minutes(world):
    def points():
        with urllib.request.urlopen(f"http://127.0.0.1:{world.status_port}/history") as answer:
            return json.load(answer)["points"]

    world.send("files")
    first = wait_for(points, "a minute has passed", 90)[0]
    assert first["accepted"] >= 1 and first["delivered"] >= 1, first
    assert 0 < first["intake_p50"] <= first["intake_p99"], first


if __name__ == "__main__":
    run(lambda: Watched("prometheus"))
