"""A local AltDentifier, to develop and to test against: in memory, without accounts.

It repeats small things of the client, such as scopes and checks on URLs, on purpose: it imports
nothing of the rest of the package, so one mistake cannot hide in both.
"""

from .app import create_app as create_app
from .clients import Client as Client
from .failures import Failure as Failure
from .serve import run as run
from .state import State as State
from .state import sandbox_state as sandbox_state
