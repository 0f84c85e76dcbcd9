"""The fleet, live: generator -> HTTP ingest -> Redis Streams -> rules -> signed webhook -> receiver. About twenty seconds.

    python examples/trucks/run.py

Starts a webhook receiver and the service on free ports of this machine, with an embedded Valkey in a temporary folder;
nothing is left behind. Event time runs thirty times as fast as the clock on the wall, so that silence need not be waited for.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path

from fleet import readings

from cep.errors import CepError
from cep.run.live import feed, free_port, service

HERE = Path(__file__).parent
SPEED, SECONDS = 36.0, 15.0


def main() -> int:
    receiver_port, listen = free_port(9999), f"127.0.0.1:{free_port(8088)}"
    secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
    os.environ["TRUCKS_WEBHOOK_SECRET"] = secret
    with tempfile.TemporaryDirectory(prefix="cep-trucks-") as folder:
        config = Path(folder) / "cep.yml"
        text = (HERE / "cep.yml").read_text()
        text = text.replace("127.0.0.1:9999", f"127.0.0.1:{receiver_port}").replace("127.0.0.1:8088", listen)
        config.write_text(text.replace("rules: rules", f"rules: {HERE.resolve() / 'rules'}"))
        print(f"▶ 12 trucks, 3 rules, webhook receiver on port {receiver_port} ({SECONDS:.0f} s; Ctrl-C stops it)")
        receiver = subprocess.Popen(
            [sys.executable, str(HERE.parent / "receiver.py"), "--port", str(receiver_port), "--secret", secret]
        )
        try:
            with service(config, listen, {"CEP_LOG": "warning"}):
                start_ms = int(time.time() * 1000) - int(SECONDS * SPEED * 1000)
                sent = feed(readings(start_ms), listen, "telemetry", speed=SPEED, seconds=SECONDS)
                print(f"{sent.accepted:,} readings sent")
        finally:
            receiver.terminate()
            receiver.wait()
    print("Next: read examples/trucks/rules, change a limit, run again; or .venv/bin/cep init my-rules")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CepError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
