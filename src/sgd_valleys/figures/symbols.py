"""Symbols of the paper and units of the loss, as the figures print them."""

SIMILARITY = r"$\mathrm{Sim}_J$"
FLATNESS = "$F$"
BARRIER = r"$\Delta\mathcal{L}_{\mathrm{barrier}}$"
TRAIN_LOSS = r"$\mathcal{L}_{\mathrm{train}}$"
TEST_LOSS = r"$\mathcal{L}_{\mathrm{test}}$"
TRAIN_ACCURACY = r"$\mathrm{Acc}_{\mathrm{train}}$"
TEST_ACCURACY = r"$\mathrm{Acc}_{\mathrm{test}}$"
FREEZING = r"$\eta\,\langle t_{\mathrm{freeze}}\rangle$"
P_FLAT = r"$P_{\mathrm{flat}}$"
DELTA_S = r"$\Delta_S$"
NOISE = r"$\eta\,(1/B - 1/M)$"
ITERATION = "iteration $t$"


def with_loss_units(symbol: str, units: object, power: int = 1) -> str:
    """Append the unit of (loss) ** ``power`` in parentheses to a symbol; nothing if the loss has no unit.

    Args:
        symbol: symbol of a loss (power 1), a flatness (-1) or a slope of flatness against loss (-2).
        units: units of the loss in the file, such as "nat"; "1" for a loss without a unit.
        power: power of the loss in the quantity.
    """
    name = str(units)
    if name == "1" or power == 0:
        return symbol
    exponent = f"$^{{{abs(power)}}}$" if abs(power) > 1 else ""
    return f"{symbol} ({'1/' if power < 0 else ''}{name}{exponent})"


def log10_loss(symbol: str, units: object) -> str:
    """Return the label of the decimal logarithm of a loss, divided by its unit."""
    name = str(units)
    return rf"$\log_{{10}}${symbol}" if name == "1" else rf"$\log_{{10}}$({symbol} / {name})"
