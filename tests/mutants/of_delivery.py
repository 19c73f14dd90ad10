"""Mutants of ``delivery/``: requests counted wrongly, and versions that pass or fail by something else than them."""

from tests.mutants.mutant import Mutant

GATE, GATED = "delivery/judge/gate.py", "delivery/judge/test_gate.py"
METRICS, COUNTED = "delivery/metrics/prometheus.py", "delivery/metrics/test_prometheus.py"
OBSERVE, OBSERVED = "delivery/judge/split.py", "delivery/judge/test_split.py"
PROXIES, NAMED = "delivery/metrics/proxies.py", "delivery/metrics/test_proxies.py"
SERIES, RISEN = "delivery/metrics/series.py", "delivery/metrics/test_series.py"
WEBHOOK, ASKED = "delivery/judge/webhook.py", "delivery/judge/test_webhook.py"

REACHING, DRIVER, JUDGING = "delivery/run/stage_update.py", "delivery/run/driver.py", "delivery/run/stage_judge.py"
TROUBLE = "delivery/run/test_trouble.py"

SERVICE, FIRST = "delivery/release/service.py", "delivery/run/test_first_deployment.py"

MUTANTS = [
    Mutant(DRIVER, 'if self._run.kind == "back" and self._run.first:', "if False:", "a crash blocks it", FIRST),
    Mutant(SERVICE, "return record.run.first\n", "return False\n", "what failed is live", FIRST),
    Mutant(SERVICE, "verdict is None or not verdict.counts", "True", "what was judged good is no way back", FIRST),
    Mutant(SERVICE, "verdict is None or not verdict.counts", "False", "what never ran is promoted", FIRST),
    Mutant(DRIVER, "if said <= _NOWHERE_TO_RUN:", "if False:", "a full cluster is the version's fault", TROUBLE),
    Mutant(DRIVER, "if said <= _NOWHERE_TO_RUN:", "if said & _NOWHERE_TO_RUN:", "a crash is nobody's fault", TROUBLE),
    Mutant(REACHING, "if not left or not self._came_back(failure):", "if True:", "a lost update ends it", TROUBLE),
    Mutant(
        REACHING,
        "        except ClusterUnavailable:\n            return False",
        "        except KeyError:\n            raise",
        "a valve that cannot be moved ends it",
        TROUBLE,
    ),
    Mutant(REACHING, "self.service.reasons(slot) or said", "said", "pods that do not say why", TROUBLE),
    Mutant(
        JUDGING, "self._restarted = min(restarts, ", "self._restarted = max(0, ", "a pod that goes stops it", TROUBLE
    ),
    Mutant(
        JUDGING,
        "        except ClusterUnavailable as error:\n            return str(error)",
        "        except KeyError as error:\n            return str(error)",
        "a gate without API server ends",
        TROUBLE,
    ),
    Mutant(
        SERIES, "if value >= base else value", "if value >= base else 0", "a restarted pod's errors are lost", RISEN
    ),
    Mutant(
        SERIES, "values[0] if self.before is None else", "0 if self.before is None else", "old errors blamed", RISEN
    ),
    Mutant(SERIES, "if at <= begin]", "if at < begin]", "requests of before the change in the observed split", RISEN),
    Mutant(SERIES, "later[0] if self.existed else 0.0", "0.0", "an open door is seen where it is shut", RISEN),
    Mutant(
        METRICS, "known = self._instant(selector, since) if found else {}", "known = {}", "all of it counts", COUNTED
    ),
    Mutant(METRICS, "!= _CALM}", "is None}", "a failed scrape makes every old request new", COUNTED),
    Mutant(
        METRICS, ".get(target_of(new[key]), 0) > since", ".get(target_of(new[key]), 0) >= 0", "old pods new", COUNTED
    ),
    Mutant(METRICS, "(new.keys() - unsure) | young", "young", "the first 5xx of a version is not seen", COUNTED),
    Mutant(METRICS, "(new.keys() - unsure) | young", "new.keys() - unsure", "a new pod's first requests", COUNTED),
    Mutant(METRICS, "if everything else -series.risen", "if everything else 0", "every answer is slow", COUNTED),
    Mutant(METRICS, "if source.failed(series.labels) else 0", "", "every answer is an error", COUNTED),
    Mutant(METRICS, "begin = max(since, now - seconds)", "begin = since", "the split of long ago", COUNTED),
    Mutant(METRICS, "self._clock() if until is None else until", "self._clock()", "a window without end", COUNTED),
    Mutant(METRICS, "number if math.isfinite(number) else None", "number", "0 / 0 is judged", COUNTED),
    Mutant(METRICS, " or len(result) > 1", "", "one of several numbers is judged", COUNTED),
    Mutant(METRICS, "except httpx.HTTPError as error:", "except httpx.ReadTimeout as error:", "a traceback", COUNTED),
    Mutant(METRICS, "(json.JSONDecodeError, KeyError, TypeError)", "KeyError", "a login page is a traceback", COUNTED),
    Mutant(
        PROXIES, '-canary@kubernetesingressnginx"] = other', '-canary@kubernetesingressnginx"] = live', "swapped", NAMED
    ),
    Mutant(PROXIES, "-gw-.+-svc-", "-.+-svc-", "requests of somebody's other route are in the split", NAMED),
    Mutant(PROXIES, "if canary not in", "if False and canary not in", "the canary's errors are the live slot's", NAMED),
    Mutant(PROXIES, "!= target.namespace:", "is None:", "another namespace's service of the same name", NAMED),
    Mutant(PROXIES, '.startswith("5")', '.startswith(("4", "5"))', "a client's own errors", NAMED),
    Mutant(
        PROXIES, "if not target.routed or target.proxy is None:", "if target.proxy is None:", "nothing counted", COUNTED
    ),
    Mutant(PROXIES, ",{WITHOUT_PROBES}'", "'", "a starting pod's probes are errors", COUNTED),
    Mutant(
        OBSERVE, "return matched or not candidate", "return True", "weight 0 is reported while users get it", OBSERVED
    ),
    Mutant(OBSERVE, "or not live", "or candidate > 0", "100 % is reported at 99", OBSERVED),
    Mutant(
        OBSERVE, "    if not candidate + live:\n        return None\n", "", "no traffic is an observed split", OBSERVED
    ),
    Mutant(OBSERVE, "return candidate > 0 or None", "return True", "a step nobody met", OBSERVED),
    Mutant(OBSERVE, "if tolerance > min(share, ALL - share, FINE):", "if False:", "three requests tell 10 %", OBSERVED),
    Mutant(OBSERVE, "max(tolerance, POINTS)", "ALL", "any split is the declared one", OBSERVED),
    Mutant(OBSERVE, "max(tolerance, POINTS)", "tolerance", "a split in rounds is denied", OBSERVED),
    Mutant(WEBHOOK, "if answer.status_code == _PASSES:", "if answer.is_success:", "a proxy's 204 passes", ASKED),
    Mutant(WEBHOOK, "if answer.is_client_error else", "if answer.is_error else", "an outage is a no", ASKED),
    Mutant(WEBHOOK, "except httpx.HTTPError as", "except httpx.ConnectError as", "a timeout ends the driver", ASKED),
    Mutant(
        WEBHOOK, "client.post(webhook.url, json=dict(body))", "client.post(webhook.url)", "asked about nothing", ASKED
    ),
    Mutant(GATE, "except MetricsUnavailable as error:", "except KeyError as error:", "a dead source ends it", GATED),
    Mutant(GATE, "    if not candidate.total:\n", "    if False:\n", "no traffic is divided by", GATED),
    Mutant(GATE, "elif not arms.alone and not live.total:", "elif False:", "compared with nobody, and passed", GATED),
    Mutant(
        GATE, 'arms.get("live", NOBODY) if before is None', 'arms.get("live", NOBODY) if True', "never passes", GATED
    ),
    Mutant(GATE, "            if judged:\n", "            if True:\n", "nobody's requests are waited for", GATED),
    Mutant(GATE, "    if samples < wanted:\n", "    if False:\n", "the first request fails a check", GATED),
    Mutant(GATE, '"fail" if low or high else "pass"', '"fail" if low else "pass"', "a check without its max", GATED),
    Mutant(GATE, 'target.slots["candidate"],', 'target.slots["live"],', "a check of the old version", GATED),
    Mutant(GATE, "        if value is None:\n", "        if False:\n", "no data is a pass", GATED),
    Mutant(GATE, 'if any(check.result != "pass" for check in checks.values()):', "if False:", "asked at once", GATED),
    Mutant(GATE, "now - self._asked < _BETWEEN_ASKS:", "False:", "a webhook is asked each second", GATED),
    Mutant(GATE, "    if failed:\n", "    if failed and not open_:\n", "a failure waits for what never comes", GATED),
    Mutant(GATE, "    elif open_:\n", "    elif False:\n", "what is open has passed", GATED),
    Mutant(GATE, "min(max(bad, 0), total)", "bad", "more bad answers than answers", GATED),
    Mutant(GATE, '"live" if "live" in self._target.slots else "candidate"', '"live"', "no baseline for a roll", GATED),
]
