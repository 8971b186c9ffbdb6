"""Discord IDs, valid and not."""

from __future__ import annotations

from typing import Any

import pytest

from flask_altdentifier.discord_id import validate_discord_id


@pytest.mark.parametrize("number", [81384788765712384, "81384788765712384", "0", "1" * 20])
def test_number_of_1_to_20_digits_is_an_id(number: str | int) -> None:
    assert validate_discord_id(number) == str(number)


INVALID = ["", "x", "1" * 21, "-1", -1, "1.5", 1.0, "1/../2", "1?a", "%31", "1\n", " 1", "\u0661"]


@pytest.mark.parametrize("number", [*INVALID, True, None])
def test_invalid_discord_id_is_refused(number: Any) -> None:
    with pytest.raises(ValueError, match="Discord ID"):
        validate_discord_id(number)
