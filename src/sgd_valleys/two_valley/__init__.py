"""The minimal model: a loss of two valleys, a sharper and a flatter one, that part as training goes on."""
