/**
 * Loaded by every Python of a pod, through PYTHONPATH: gives the program the pod's own address and the cluster's names, without a
 * network namespace. A socket bound to every interface is bound to the pod's address, an unbound one connects from it, and service names
 * come from a file that the node keeps. Binds to 127.0.0.1 are the program's own business. A user's sitecustomize still runs.
 */
export const SITECUSTOMIZE = `
import os as _os, sys as _sys
def _install():
    ip, names, namespace = (_os.environ.get("SANDBOX_POD_" + key) for key in ("IP", "NAMES", "NAMESPACE"))
    if not ip:
        return
    import socket
    # A pod has no IPv6 address of its own: whoever binds all of them would take the port from every other pod.
    socket.has_ipv6 = False
    known = {"mtime": None, "hosts": {}}
    def lookup(host):
        if isinstance(host, (bytes, bytearray)):
            host = host.decode()
        if not isinstance(host, str) or not host:
            return host
        if host == _os.environ.get("HOSTNAME"):
            return ip
        try:
            mtime = _os.stat(names).st_mtime_ns
            if mtime != known["mtime"]:
                with open(names) as file:
                    known["hosts"] = dict(line.split() for line in file if line.strip())
                known["mtime"] = mtime
        except OSError:
            return host
        name = host.rstrip(".")
        for tail in (".svc.cluster.local", ".svc"):
            if name.endswith(tail):
                name = name[: -len(tail)]
                break
        hosts = known["hosts"]
        return hosts.get(name) or hosts.get(name + "." + namespace) or host
    plain = socket.socket
    _bind, _connect, _connect_ex = plain.bind, plain.connect, plain.connect_ex
    def is_inet(sock):
        return sock.family == socket.AF_INET
    def bind(self, address):
        if is_inet(self) and address[0] in ("", "0.0.0.0"):
            address = (ip,) + tuple(address[1:])
        return _bind(self, address)
    def source(self, address):
        if not is_inet(self):
            return
        try:
            if self.getsockname()[1] == 0 and not str(address[0]).startswith("127.0.0.") and address[0] != "localhost":
                _bind(self, (ip, 0))
        except OSError:
            pass
    def connect(self, address):
        if is_inet(self):
            address = (lookup(address[0]),) + tuple(address[1:])
            source(self, address)
        return _connect(self, address)
    def connect_ex(self, address):
        if is_inet(self):
            address = (lookup(address[0]),) + tuple(address[1:])
            source(self, address)
        return _connect_ex(self, address)
    plain.bind, plain.connect, plain.connect_ex = bind, connect, connect_ex
    _getaddrinfo, _gethostbyname = socket.getaddrinfo, socket.gethostbyname
    def getaddrinfo(host, *rest, **more):
        found = _getaddrinfo(lookup(host), *rest, **more)
        return [each for each in found if each[0] != socket.AF_INET6] or found
    socket.getaddrinfo = getaddrinfo
    socket.gethostbyname = lambda host: _gethostbyname(lookup(host))
    socket.gethostname = lambda: _os.environ.get("HOSTNAME", "localhost")
_install()
def _next():
    here = _os.path.dirname(_os.path.abspath(__file__))
    import importlib.util
    for folder in _sys.path:
        path = _os.path.join(folder, "sitecustomize.py")
        if _os.path.abspath(folder or ".") != here and _os.path.isfile(path):
            spec = importlib.util.spec_from_file_location("_user_sitecustomize", path)
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
            return
_next()
`
