"""How runs and branches are trained: what a configuration may say, and what is derived from it."""

import re

import pytest
import yaml
from helpers.settings import SCHEMA, checked, read_paper, read_settings, update

from sgd_valleys.config import validation
from sgd_valleys.config.resolution import resolve
from sgd_valleys.config.sweep import Cell, Run
from sgd_valleys.errors import UserError
from sgd_valleys.recipe import Phase

TINY = "tests/tiny.yaml"  # M = 100, three layers, 11 recorded points, branches of eta = 0.02, B = 10
ERRORS = {
    "an unknown setting": ("training: {nois: none}", r"training: unknown setting nois; .*did you mean noise\?"),
    "an unknown noise": (
        "training: {noise: gaussian}",
        r"training\.noise = 'gaussian': unknown; allowed are minibatch, none, covariance",
    ),
    "an unknown loss": (
        "training: {loss: hinge}",
        r"training\.loss = 'hinge': unknown; allowed are cross_entropy, mse",
    ),
    "an unknown sampling": (
        "training: {sampling: all}",
        r"training\.sampling = 'all': unknown; allowed are epoch, fresh",
    ),
    "momentum of 1": ("training: {momentum: 1}", r"training\.momentum = 1: out of range; .* to below 1"),
    "momentum in words": (
        "training: {momentum: some}",
        r"training\.momentum = 'some': wrong type; allowed is type number",
    ),
    "negative decay": ("training: {weight_decay: -0.1}", r"training\.weight_decay = -0\.1: out of range"),
    "no scale": ("training: {noise: covariance, noise_scale: 0}", r"training\.noise_scale = 0: out of range"),
    "a scale of minibatches": (
        "training: {noise_scale: 2}",
        r"training\.noise_scale = 2: no effect with this kind of noise",
    ),
    "a layer too many": ("training: {noise_layers: [4]}", r"training\.noise_layers = \[4\]: .* from 1 to 3"),
    "layers in words": (
        "training: {noise_layers: some}",
        r"training\.noise_layers = 'some': invalid; allowed is all, or a list",
    ),
    "no strength": ("training: {noise: constant}", r"training\.noise_strength: missing with noise = constant; "),
    "a strength too many": (
        "training: {noise_strength: 1}",
        r"training\.noise_strength = 1: no effect .* or set noise to constant",
    ),
    "phases that do not ascend": (
        "training: {schedule: [{until: 0.5}, {until: 0.5}, {until: 1.0}]}",
        r"training\.schedule\[1\]\.until = 0\.5: out of range; allowed are ascending shares, here above 0\.5",
    ),
    "phases that do not end": (
        "training: {schedule: [{until: 0.5}]}",
        r"training\.schedule\[0\]\.until: the last phase does not end with the run; allowed is 1\.0",
    ),
    "a phase without end": (
        "training: {schedule: [{noise: none}]}",
        r"training\.schedule\[0\]: missing required setting until",
    ),
    "a phase between recorded points": (
        "training: {schedule: [{until: 0.25}, {until: 1.0}]}",
        r"training\.schedule\[0\]\.until = 0\.25: not at a recorded iteration; allowed are multiples of 1/10, for 11",
    ),
    "a phase with wrong batches": (
        "training: {schedule: [{until: 1.0, B: 30}]}",
        r"training\.schedule\[0\]\.B = 30: not a divisor of the 100 training samples",
    ),
    "a phase that ends at no loss": (
        "training: {schedule: [{until: {loss: 0}}, {until: 1.0}]}",
        r"training\.schedule\[0\]\.until\.loss = 0: out of range",
    ),
    "a phase until a word": (
        "training: {schedule: [{until: end}]}",
        r"training\.schedule\[0\]\.until = 'end': invalid; allowed is a share of the iterations, greater than 0",
    ),
    "all labels replaced": ("training: {label_noise: 1}", r"training\.label_noise = 1: out of range"),
    "negative label noise": ("training: {label_noise: -0.1}", r"training\.label_noise = -0\.1: out of range"),
    "more initializations than realizations": (
        "training: {initializations: 3}",
        r"training\.initializations = 3: more than sweep\.realizations = 2",
    ),
    "isotropic noise of a convolution": (
        "{network: {name: cnn, channels: [4], hidden: [8]}, layer: 3, training: {noise: isotropic}}",
        r"training\.noise = isotropic: .*; allowed for a cnn are minibatch, none, covariance, constant; choose",
    ),
    "an unknown activation": (
        "network: {activation: sin}",
        r"network\.activation = 'sin': unknown; allowed are relu, tanh, gelu",
    ),
    "a run without noise": (
        "{training: {noise: none}, branches: null, curvature: {along: [{eta: all, B: all, realizations: [1]}]}}",
        r"curvature\.along, realization 1: not in the sweep; allowed for gradient descent is 0 only",
    ),
    "a run beyond the initializations": (
        "{training: {noise: none, initializations: 2}, curvature: {along: [{eta: all, B: all, realizations: [2]}]}}",
        r"curvature\.along, realization 2: not in the sweep; .* are 0 to 1, one for each of training\.initializations",
    ),
    "an unknown noise of branches": (
        "branches: {training: {noise: gaussian}}",
        r"branches\.training\.noise = 'gaussian': unknown",
    ),
    "a loss of branches": ("branches: {training: {loss: mse}}", r"branches\.training: unknown setting loss"),
    "copies that are all the same": (
        "branches: {copies: 2}",
        r"branches\.copies = 2: the copies would be identical, because the branches have no noise",
    ),
    "copies with the minibatches of the run": (
        "branches: {copies: 2, order: same, training: {noise: minibatch}}",
        r"branches\.copies = 2: the copies would be identical, because order: same",
    ),
    "the order of no minibatches": ("branches: {order: same}", r"branches\.order = same: the branches have no minibat"),
    "the order of other batches": (
        "branches: {order: same, B: 20, training: {noise: minibatch}}",
        r"branches\.order = same: the batch size of the branches differs from that of the run, B = 10",
    ),
    "the order of a run with a schedule": (
        "{training: {schedule: [{until: 1.0}]}, branches: {order: same, training: {noise: minibatch}}}",
        r"branches\.order = same: the run has a schedule",
    ),
    "the order of a run without minibatches": (
        "{training: {noise: covariance}, branches: {order: same, training: {noise: minibatch}}}",
        r"branches\.order = same: the run has a schedule, or its minibatches differ from those of the branches",
    ),
    "branches with wrong batches": (
        "branches: {B: 30, training: {noise: minibatch}}",
        r"branches\.B = 30: not a divisor of the 100 training samples",
    ),
    "batches of branches without noise": (
        "branches: {B: 20}",
        r"branches\.B = 20: no effect on branches without noise",
    ),
    "a negative perturbation": ("branches: {perturbation: -1}", r"branches\.perturbation = -1: out of range"),
    "no copies": ("branches: {copies: 0}", r"branches\.copies = 0: too small; allowed are values of at least 1"),
    "an order in words": ("branches: {order: any}", r"branches\.order = 'any': unknown; allowed are new, same"),
}
UNSHOWN = [
    *(
        (figure, "{training: {noise: none}, branches: null}", r"eta \(1/B - 1/M\)")
        for figure in ("fig2", "fig2X", "fig3")
    ),
    ("fig3", "training: {noise: constant, noise_strength: 0.1}", r"1/M\), .* \(constant\) is independent of B"),
    ("figS5", "{training: {schedule: [{until: 1.0, noise: none}]}, branches: null}", r"eta \(1/B - 1/M\)"),
    *(
        (figure, settings, "one branch of gradient descent from each t_c")
        for figure in ("fig4", "fig4X", "figS4")
        for settings in (
            "branches: {training: {noise: minibatch}}",
            "branches: {copies: 2, perturbation: 0.1}",
            "branches: {perturbation: 0.1}",
            "branches: {training: {momentum: 0.5}}",
            "branches: {training: {weight_decay: 0.1}}",
        )
    ),
    ("fig1", "{training: {noise: none}, sweep: {eta: [0.02], B: [10]}, branches: null}", "has one run"),
]


def settings_of(text: str) -> dict:
    """The tiny configuration with changed settings of mnist, and no figure that shows it."""
    config = read_paper(TINY)
    update(config["experiments"]["mnist"], yaml.safe_load(text))
    config["figures"] = {"style": config["figures"]["style"]}
    return resolve(config, read_settings())


def refused(config: dict) -> list[str]:
    """Check a configuration, which has to be refused, and return its errors, one a line."""
    with pytest.raises(UserError) as error:
        validation.check(config, SCHEMA)
    return str(error.value).splitlines()


@pytest.mark.parametrize("wrong", ERRORS)
def test_wrong_settings_are_named_once(wrong: str) -> None:
    text, sentence = ERRORS[wrong]
    errors = refused(settings_of(text))
    assert re.search(rf"^config: experiments\.mnist\.{sentence}", errors[0]), errors
    assert len(errors) == 1 and errors[0].endswith((".", "?)."))


@pytest.mark.parametrize(("figure", "text", "reason"), UNSHOWN)
def test_a_figure_refuses_what_it_cannot_show(figure: str, text: str, reason: str) -> None:
    config = settings_of(text)
    drawn = read_settings(TINY, {"figures": {"figS5": {"eta": 0.02, "eta_colors": ["red"] * 3}}})["figures"][figure]
    config["figures"][figure] = drawn | {"experiment": "mnist"}
    (line,) = refused(config)
    assert re.search(rf"figures\.{figure}\.experiment = mnist: .*{reason}.*leave the figure out \(null\)\.$", line)


def experiment(text: str):
    """The experiment mnist of the tiny configuration with changed settings."""
    return validation.check(settings_of(text), SCHEMA).experiments["mnist"]


def test_runs_are_trained_as_the_section_says() -> None:
    found = experiment("training: {momentum: 0.5, schedule: [{until: 0.5, eta: 2}, {until: 1.0, noise: none}]}")
    recipe = found.recipe(Cell("0.02", 10))
    assert (recipe.eta, recipe.B, recipe.iterations, recipe.momentum) == (0.02, 10, 500, 0.5)
    assert recipe.schedule == (Phase(0.5, eta=2), Phase(1.0, noise="none"))
    branch = found.branch_recipe(Cell("0.02", 10))
    assert (branch.noise, branch.momentum, branch.schedule, branch.iterations) == ("none", 0, (), 500)


def test_branches_share_the_loss_of_their_run() -> None:
    found = experiment("{training: {loss: mse}, branches: {eta: 0.01, B: 20, training: {noise: minibatch}}}")
    recipe = found.branch_recipe(Cell("0.02", 10))
    assert (recipe.loss, recipe.noise, recipe.eta, recipe.B) == ("mse", "minibatch", 0.01, 20)


def test_copies_of_branches_follow_each_other() -> None:
    (branching,) = experiment("branches: {copies: 2, perturbation: 0.1}").branchings.values()
    assert list(branching.t_c) == [0, 50, 100, 150, 200] and branching.count == 10
    assert branching.final_positions(11) == [10, 10, 9, 9, 8, 8, 7, 7, 6, 6]


@pytest.mark.parametrize(
    ("text", "deterministic"),
    [
        ("training: {}", [100]),
        ("training: {noise: covariance}", [100]),
        ("training: {noise: none}", [10, 50, 100]),
        ("training: {noise: constant, noise_strength: 0.1}", []),
        ("training: {schedule: [{until: 0.5}, {until: 1.0, noise: none}]}", [100]),
        ("training: {schedule: [{until: 1.0, B: 100}]}", [10, 50, 100]),
    ],
)
def test_runs_without_noise_are_run_once(text: str, deterministic: list[int]) -> None:
    sweep = experiment(text + "\nbranches: null").sweep
    assert sweep.deterministic_B == deterministic
    assert [sweep.count(cell) for cell in sweep.cells] == 2 * [1 if B in deterministic else 2 for B in sweep.B]


def test_runs_without_noise_are_run_once_from_each_initialization() -> None:
    found = experiment(
        "{training: {initializations: 2}, sweep: {realizations: 5}, "
        "projection: {block: {eta: [0.02], B: [10, 100], realization: 3}}}"
    )
    assert [found.sweep.count(cell) for cell in found.sweep.cells] == [5, 5, 2] * 2
    assert found.block_runs == [Run("0.02", 10, 3), Run("0.02", 100, 1)]  # of the same initialization


def test_jobs_of_full_gradients_have_fewer_runs() -> None:
    few = "sweep: {job_samples: 10000}\nbranches: null"  # 500 steps: two runs of B = 10, none of two with M = 100
    assert experiment(few).sweep.job_chunks(Cell("0.02", 10)) == [(0, 1)]
    for training in ("{noise: isotropic}", "{noise_layers: [1]}"):
        assert experiment(f"{few}\ntraining: {training}").sweep.job_chunks(Cell("0.02", 10)) == [(0, 0), (1, 1)]


def test_the_arms_of_the_controls_differ_in_how_they_are_trained_alone() -> None:
    _, experiments = checked()
    arms = {name: found for name, found in experiments.items() if found.sweep.cells == [Cell("0.05", 50)]}
    base = arms.pop("minibatch")
    assert len(arms) == 23
    counts = {name: found.sweep.count(Cell("0.05", 50)) for name, found in arms.items()}
    assert {name for name, count in counts.items() if count != 20} == {"no_noise"} and counts["no_noise"] == 1
    for found in arms.values():
        measured = ("training", "gradient_noise", "curvature")  # what is measured along training may differ
        own, others = ({k: v for k, v in each.settings.items() if k not in measured} for each in (found, base))
        assert own == others
    assert len({str(found.training) for found in arms.values()}) == len(arms)


def test_the_paper_alone_is_without_every_experiment_of_the_controls() -> None:
    config, experiments = checked("config/without-controls.yaml")
    assert list(experiments) == ["mnist", "cifar10"]
    assert {"fig1", "figS5"} <= set(config["figures"]) and not {"figC3", "figC7", "figC8"} & set(config["figures"])


@pytest.mark.parametrize(
    ("figure", "beside", "sentence"),
    [
        (
            "figC3",
            ["mnist"],
            r"figures\.figC3\.beside = mnist: 49 cells instead of one; .* one sweep\.eta and one sweep\.B",
        ),
        ("figC8", ["lost"], r"figures\.figC8\.beside = 'lost': unknown; allowed are mnist, cifar10"),
        (
            "figC7",
            ["minibatch"],
            r"figures\.figC7\.beside = minibatch: the cell eta = 0\.01, B = 20 of init.* is missing",
        ),
    ],
)
def test_a_control_refuses_what_it_cannot_compare(figure: str, beside: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        checked({"figures": {figure: {"beside": beside}}})
