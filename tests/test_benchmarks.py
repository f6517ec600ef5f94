"""The benchmarks' own honesty: what they call reached, and what they refuse to count."""

from __future__ import annotations

import importlib
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from benchmarks import load, report
from benchmarks.report import Figure
from benchmarks.small import Small

ROOT = Path(__file__).resolve().parent.parent
SHAPES = sorted((ROOT / "benchmarks" / "shapes").glob("[a-z]*.py"))


def figure(value: float, **target: float) -> Figure:
    return Figure(shape="some", what="thing", value=value, unit="×", raw="", **target)


def test_a_figure_below_its_least_is_missed():
    assert "missed" in figure(0.39, at_least=0.4).verdict


def test_a_figure_above_its_most_is_missed():
    assert "missed" in figure(1.31, at_most=1.3).verdict


def test_a_figure_at_its_target_is_reached():
    assert figure(1.3, at_most=1.3).verdict == "reached"


def test_a_figure_without_target_says_nothing():
    assert not figure(7).verdict


def test_the_results_name_the_machine_the_command_and_what_was_left_out(tmp_path):
    report.write(
        tmp_path / "RESULTS.md",
        command="python -m benchmarks growth",
        figures=[figure(2)],
        skipped=[report.Skipped(shape="other", reason="no library")],
        settings={"shared_buffers": "2GB"},
        postgresql="PostgreSQL 18",
    )

    text = (tmp_path / "RESULTS.md").read_text()
    for part in ("benchmarks growth", "cores", "shared_buffers 2GB", "other (no library)"):
        assert part in text


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_a_shape_is_run_by_default_and_drawn(path):
    main = (ROOT / "benchmarks" / "__main__.py").read_text()

    assert f'"{path.stem}",' in main
    drawing = importlib.import_module(f"benchmarks.shapes.{path.stem}").__doc__ or ""
    assert any(line in drawing for line in "─│►…")


def test_the_small_population_has_every_kind_of_answer():
    answers = [right for _, _, right in Small().questions(300)]

    assert 100 <= sum(answers) <= 250


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """Answers every request with ``yes``, on connections that stay open."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            opened, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(opened,), daemon=True).start()


def _answer(opened: socket.socket) -> None:
    with opened, suppress(OSError):  # clients leave in the middle of an answer
        while opened.recv(4096):
            opened.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")


def request(body: bytes) -> load.Request:
    return load.build("http://127.0.0.1/", lambda _, given: given == body, token="t")


def test_a_load_counts_complete_answers(address):
    measured = load.run(address, [request(b"yes")], connections=2, seconds=0.1)

    assert measured.body_bytes == 3 * len(measured.latencies) > 0


def test_a_wrong_answer_ends_a_load(address):
    with pytest.raises(load.WrongAnswer):
        load.run(address, [request(b"no")], connections=2, seconds=5)


def test_a_load_stays_on_this_machine():
    with pytest.raises(ValueError, match="this machine"):
        load.run(("198.51.100.7", 80), [request(b"")], connections=1, seconds=1)
