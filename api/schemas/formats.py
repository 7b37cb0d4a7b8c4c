"""Formats that recur on the wire: ids, hashes, times, decimals."""

from typing import Annotated

from pydantic import Field

ProposalId = Annotated[str, Field(pattern=r"^pp_[0-9a-f]{32}$")]
VersionId = Annotated[str, Field(pattern=r"^ppv_[0-9a-f]{32}$")]
EventId = Annotated[str, Field(pattern=r"^pwe_[0-9a-f]{32}$")]
OperationId = Annotated[str, Field(pattern=r"^pop_[0-9a-f]{32}$")]
ApprovalId = Annotated[str, Field(pattern=r"^pap_[0-9a-f]{32}$")]
RunId = Annotated[str, Field(pattern=r"^pr_[0-9a-f]{32}$")]
ArtifactId = Annotated[str, Field(pattern=r"^pa_[0-9a-f]{32}$")]
Hash = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
# A decimal as text: up to 28 digits, scale kept, exponent possible.
DecimalText = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?$")]
Weight = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{4}$")]

HEX = "01a209a6fe3673b5b26fcad9e08b0cdb"
PROPOSAL_ID_EXAMPLE = f"pp_{HEX}"
OPERATION_ID_EXAMPLE = f"pop_{HEX}"
HASH_EXAMPLE = "sha256:86642962be38601b3c1eef972d0af3acf21cbeecdb559fde664f9cdfb25ae1c4"
TIMESTAMP_EXAMPLE = "2026-02-22T12:00:00.000000+00:00"
