"""Where the generators of clients are, and the programs that use what they generate."""

import sys
from pathlib import Path

PROGRAMS = Path(__file__).parent / "clients" / "programs"
INSTALLED = Path(sys.prefix)  # by make, a folder for each
PYTHON_LIBRARIES = INSTALLED / "clients"
GENERATOR = INSTALLED / "generator" / "openapi_generator_cli" / "openapi-generator.jar"
NODE_MODULES = INSTALLED / "npm" / "node_modules"
STRICT_TYPESCRIPT = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "target": "ES2022",
    "module": "NodeNext",
    "skipLibCheck": False,
    "types": ["node"],
}
