"""Host names and addresses."""

from ipaddress import IPv4Address, IPv6Address, ip_address


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: `localhost`, a name below it, or a loopback address."""
    name = host.rstrip(".").lower()
    address = parse_address(name)
    return name == "localhost" or name.endswith(".localhost") if address is None else address.is_loopback


def parse_address(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address, or None if the host is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
