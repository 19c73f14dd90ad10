"""Mutants of what leads requests to slots: Ingresses, HTTPRoutes, the live Service, and how much a slot may scale."""

from tests.mutants.mutant import Mutant

TRAFFIC = "components/traffic.py"
INGRESS = "components/manifests/ingress.py"
RETRIES = "components/manifests/retries.py"
GATEWAY = "components/manifests/gateway.py"
EXPOSURE = "components/manifests/exposure.py"
SLOT = "components/slot.py"
FITTING = "models/stack_rules.py"
OF_INGRESS = "components/test_ingress.py"
OF_TRAFFIC = "components/test_traffic.py"
OF_RETRIES = "components/test_retries.py"

MUTANTS = [
    Mutant(TRAFFIC, "depends_on=[*ready, *before]", "depends_on=[*before]", "traffic before its slot is ready"),
    Mutant(TRAFFIC, "depends_on=[*ready, *before]", "depends_on=ready", "a promotion that goes by the old slot"),
    Mutant(TRAFFIC, "{**SKIP_AWAIT, **entrance.annotations}", "entrance.annotations", "an endless wait", OF_INGRESS),
    Mutant(
        TRAFFIC,
        "{**args.spec.exposure.annotations, **SKIP_AWAIT}",
        "{**SKIP_AWAIT, **args.spec.exposure.annotations}",
        "a balancer is waited for",
        "components/test_exposure.py",
    ),
    Mutant(
        TRAFFIC,
        "            self._alerts(name, args, args.spec.monitoring)\n",
        "",
        "no alerts",
        "components/test_alerts.py",
    ),
    Mutant(TRAFFIC, "{**monitoring.labels, **own}", "{**own, **monitoring.labels}", "labels by which nothing is found"),
    Mutant(TRAFFIC, "routed=args.spec.route is not None", "routed=True", "a canary that nobody reaches"),
    Mutant(TRAFFIC, "routed=args.spec.route is not None", "routed=False", "the canary leaks to stable hosts"),
    Mutant(EXPOSURE, "or release.weight == 0:", ":", "both slots answer before their time", OF_TRAFFIC),
    Mutant(EXPOSURE, "if release.weight == _ALL else (release.live, other)", "", "all for 1 percent", OF_TRAFFIC),
    Mutant(EXPOSURE, "return (release.live,)", 'return ("blue",)', "green never gets live", OF_TRAFFIC),
    Mutant(EXPOSURE, '"type": exposure.type', '"type": "ClusterIP"', "nobody outside reaches it"),
    Mutant(EXPOSURE, '"port": exposure.port', '"port": 80', "another port"),
    Mutant(EXPOSURE, "if exposure.external_traffic_policy:", "if False:", "the client's address is lost"),
    Mutant(EXPOSURE, "if exposure.source_ranges:", "if False:", "everybody may connect"),
    Mutant(EXPOSURE, "if exposure.node_port:", "if False:", "another node port"),
    Mutant(EXPOSURE, "if exposure.load_balancer_class:", "if False:", "another cloud balancer"),
    Mutant(
        INGRESS,
        "backend=names.slot_name(service, live),",
        "backend=service,",
        "the canary leaks to other hosts",
        OF_TRAFFIC,
    ),
    Mutant(
        INGRESS,
        "backend=service,",
        "backend=names.slot_name(service, live),",
        "the canary leaks to stable hosts",
        OF_TRAFFIC,
    ),
    Mutant(INGRESS, "(route.host, *route.stable_hosts),  #", "(route.host,),  #", "a host in plain text"),
    Mutant(INGRESS, "**issuer_annotations(route)}", "}", "nobody asks for the certificate"),
    Mutant(
        INGRESS,
        "annotations=treated,",
        "annotations={**treated, **issuer_annotations(route)},",
        "two Ingresses fight over the certificate",
    ),
    Mutant(INGRESS, "str(release.weight)", "str(release.weight_of(release.live))", "the canary gets the live share"),
    Mutant(INGRESS, 'annotations["canary-by-header-value"] = header.value', "pass", "a header's value is ignored"),
    Mutant(INGRESS, 'if asked else "legacy"', "", "a session stays with the slot that was taken back"),
    Mutant(INGRESS, "release.weight > 0 or release.match", "release.match", "sessions that change versions"),
    Mutant(INGRESS, "or release.match != Match()", "", "testers that change versions"),
    Mutant(INGRESS, ', "proxy-request-buffering": "on"}', "}", "Traefik takes bodies of any size"),
    Mutant(INGRESS, '"proxy-body-size": str(size)', '"proxy-body-size": route.max_body', "8Mi is no size of nginx's"),
    Mutant(INGRESS, "if session.max_age:", "if True:", "a cookie that is over at once"),
    Mutant(INGRESS, "str(limit.burst)", "str(limit.per_second)", "another burst"),
    Mutant(INGRESS, '"affinity": "cookie", ', "", "no session"),
    Mutant(INGRESS, "if route.tls and certified:", "if route.tls:", "a canary with a certificate"),
    Mutant(INGRESS, "(repeated), **route.annotations", "(repeated)", "the entry's own annotations are dropped"),
    Mutant(GATEWAY, "release.weight_of(slot))", "release.weight)", "both slots get the same share"),
    Mutant(
        GATEWAY,
        "release.weight_of(slot)) for slot in sorted(release.slots)",
        "release.weight_of(slot)) for slot in (release.live, *filter(None, [release.canary]))",
        "a promotion that changes rules",
    ),
    Mutant(GATEWAY, '_EXACT, "never")', '_EXACT, "no")', "who says never gets the canary"),
    Mutant(GATEWAY, 'f"^.*(?:{header.pattern}).*$"', "header.pattern", "a pattern that means two things"),
    Mutant(GATEWAY, "^(?:.*;\\s*)?{name}=", ".*{name}=", "another cookie whose name ends alike"),
    Mutant(GATEWAY, "re.escape(match.cookie)", "match.cookie", "a cookie's name as a pattern"),
    Mutant(GATEWAY, "elif header.pattern is not None:", "elif False:", "a pattern is ignored"),
    Mutant(GATEWAY, "[_backend(service, spec.exposure.port, 1)]", "[_backend(service, 80, 1)]", "a port nobody opens"),
    Mutant(GATEWAY, '_MATCHES[route.path_type], "value"', '"PathPrefix", "value"', "more paths than declared"),
    Mutant(GATEWAY, "slots=tuple(sorted(release.slots)),", "slots=(release.live,),", "requests before pods"),
    Mutant(GATEWAY, "if gateway.listener is not None:", "if False:", "every listener of the Gateway"),
    Mutant(GATEWAY, "if route.timeout is not None:", "if False:", "a wait without an end"),
    Mutant(SLOT, "replace(args, spec=_scaled(args.spec, args.release))", "args", "a release that scales nothing"),
    Mutant(
        "components/manifests/guards.py",
        "2 * max(scaling.ceiling, *asked)",
        "2 * scaling.ceiling",
        "no room for the pods that a release asks for",
    ),
    Mutant(INGRESS, "release.canary is not None and cluster", "cluster", "less is repeated than could be", OF_RETRIES),
    Mutant(INGRESS, 'cluster.proxy_metrics == "ingress-nginx"', "False", "a bad canary in no count", OF_RETRIES),
    Mutant(INGRESS, "pods=spec.scaling.floor", "pods=2", "more tries than pods call for", OF_RETRIES),
    Mutant(INGRESS, "{**_nginx(repeated), **route", "{**route", "a lost pod costs every route requests", OF_RETRIES),
    Mutant(INGRESS, "{} if route.retries is None else repeated", "repeated", "an entry's own word is lost", OF_RETRIES),
    Mutant(INGRESS, "{} if route.retries is None else repeated", "{}", "an entry's own word wins over it", OF_RETRIES),
    Mutant(RETRIES, "retries.idempotent and not only_unbegun", "not only_unbegun", "an enrolment twice"),
    Mutant(RETRIES, "retries.idempotent and not only_unbegun", "retries.idempotent", "a hidden canary"),
    Mutant(RETRIES, "http_502 http_504", "http_500 http_502 http_504", "errors are asked for again"),
    Mutant(RETRIES, "http_504 non_idempotent", "http_504", "no prediction is repeated: all are POSTs"),
    Mutant(RETRIES, "silent + most * retries", "most * retries", "no try is left after a silent pod"),
    Mutant(RETRIES, "max(2, pods)", "max(3, pods)", "tries for more pods than there are"),
    Mutant(
        FITTING, '    "retries": "HTTPRoutes know retries only as an experiment",\n', "", "retries that nobody does"
    ),
    Mutant(FITTING, "if spec.route is None and release.match != Match():", "if False:", "a match that nobody reads"),
    Mutant(FITTING, "if getattr(route, field):", "if False:", "a limit that is believed to hold"),
    Mutant(FITTING, "if len(route.stable_hosts) > _HOSTNAMES:", "if False:", "hosts that the API server refuses"),
    Mutant(FITTING, "if not _GATEWAY_PATH.fullmatch(route.path):", "if False:", "a path that the API server refuses"),
    Mutant(FITTING, "route.timeout > _GATEWAY_SECONDS", "False", "a time that the API server refuses"),
    Mutant(FITTING, '_NOT_RE2.search(header.pattern or "")', "False", "a pattern that the proxy drops"),
    Mutant(
        "models/cluster.py",
        'if self.traffic == "gateway" and self.gateway is None:',
        "if False:",
        "a Gateway of no name",
    ),
    Mutant(
        "models/cluster.py",
        'if self.traffic != "gateway" and self.gateway is not None:',
        "if False:",
        "a Gateway that nobody asks",
    ),
]
