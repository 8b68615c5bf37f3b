"""Compiles kernels before anybody waits for them, into the cache in which the worker and the command line look."""

from __future__ import annotations

from harmonize_daemon.environment import set_environment

TEXT = "Compiling the rendering kernels (only once)"


def compile_kernels() -> bool:
    """Compile, or find in the cache, the kernels of all depths, with a progress bar. False if it did not work.

    That does no harm: the worker compiles what it does not find.
    """
    set_environment()
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    try:
        from harmonize_models.adjustments import fit
        from harmonize_models.layer import Depth
        from harmonize_models.render import warm_up

        from harmonize_daemon.pictures.xcf import runs

        with Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn()) as progress:
            for depth in progress.track((Depth.U8, Depth.U16, Depth.F32), description=TEXT):
                warm_up((depth,))
        fit.warm_up()
        runs.warm_up()
    except Exception as error:
        print(f"The kernels could not be compiled now ({error}); the daemon will try when it first starts.")
        return False
    return True


if __name__ == "__main__":
    compile_kernels()
