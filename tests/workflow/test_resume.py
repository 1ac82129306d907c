"""A killed training job resumes from its saved state when the workflow runs again."""

from helpers.checkout import LONG_RUN, LONG_TARGET, Checkout, end_of, midway, wait_until


def test_a_killed_job_resumes_from_its_state(long_checkout: Checkout, undisturbed: dict[str, bytes]) -> None:
    module = long_checkout.root / "src/sgd_valleys/training/resume.py"
    module.write_text(module.read_text().replace("SECONDS = 300.0", "SECONDS = 0.0"))
    running = long_checkout.start(LONG_TARGET)
    process = midway(long_checkout)
    process.resume()
    wait_until(lambda: list(long_checkout.root.glob("results/mnist/train/.*.resume")), "a state is saved")
    process.kill()
    assert end_of(running).returncode != 0
    long_checkout.run(LONG_TARGET)
    log = long_checkout.root / LONG_RUN.replace("results/", "results/logs/").replace(".h5", ".log")
    assert "resuming from" in log.read_text()
    assert long_checkout.results() == undisturbed
