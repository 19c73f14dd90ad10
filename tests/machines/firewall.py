"""The firewalls that users have: what reaches the machine unasked is dropped, and so is what it would forward."""

# A table of nftables' own. A packet must pass every chain at a hook: no rule in iptables' chains lets it through here.
_NFTABLES = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname "lo" accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport 22 accept
    }
}
table ip filter {
    chain FORWARD {
        type filter hook forward priority filter; policy drop;
    }
}
"""
# As ufw and Docker do it: in iptables' own chains, to which others may add rules.
_IPTABLES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
_UNIT = """[Unit]
Before=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/iptables-restore /etc/iptables.rules
[Install]
WantedBy=multi-user.target
"""


def _file(path: str, content: str) -> str:
    return f"cat > {path} <<'END'\n{content}END\n"


# The shell lines that bring each firewall up, now and at every boot.
FIREWALLS = {
    "nftables": _file("/etc/nftables.conf", _NFTABLES) + "systemctl enable --now nftables.service",
    "iptables": _file("/etc/iptables.rules", _IPTABLES)
    + _file("/etc/systemd/system/trial-firewall.service", _UNIT)
    + "systemctl enable --now trial-firewall.service",
}
