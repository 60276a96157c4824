"""The demo project: one real football match, told as label packs and walked through the API to finished datasets.

`match` reads the match and words its label rows, `pitch` draws its pictures, `walk` takes both through the API as
people would, `api` carries their calls, `bars` and `tables` show what happens and what came out. Left out: the
namespace, the project and the personas themselves, which the launcher makes.
"""

from local.demo.walk import DemoResult, run

__all__ = ["DemoResult", "run"]
