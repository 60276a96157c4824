"""The local stack: the real template on an emulator, without Docker and without an account. Ships nowhere.

`bootstrap` makes the environments; `process` runs the emulator (`emulator`, `journal`); `deploy` builds and deploys
the template; `identity` mints tokens; `seed` fills in a first project; `selfcheck` looks whether the emulator still
does what the product leans on; `stack` joins them; `__main__` is `make up`, `make run` and `make down`; `check` is
`make test`.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
VENVS = LOCAL / "venvs"
