import pytest
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from api.v3.lists.pagination import Pagination


def page(rows, **query):
    pagination = Pagination()
    request = Request(APIRequestFactory().get("/", query))
    results = pagination.paginate_queryset(range(rows), request)
    return pagination.get_paginated_response(results).data


def test_the_envelope_is_authentiks():
    assert page(5, page=2, page_size=2) == {
        "pagination": {
            "next": 3,
            "previous": 1,
            "count": 5,
            "current": 2,
            "total_pages": 3,
            "start_index": 3,
            "end_index": 4,
        },
        "results": [2, 3],
        "autocomplete": {},
    }


def test_an_empty_list_has_one_empty_page():
    assert page(0)["pagination"] == {
        "next": 0,
        "previous": 0,
        "count": 0,
        "current": 1,
        "total_pages": 1,
        "start_index": 0,
        "end_index": 0,
    }


@pytest.mark.parametrize("size", ["", "0", "-1", "x", "1.5", "\x00", "9" * 5000])
def test_a_page_size_that_is_no_size_is_ignored(size):
    assert len(page(1500, page_size=size)["results"]) == 100


@pytest.mark.parametrize(("size", "given"), [("7", 7), ("99999", 1000)])
def test_a_page_size_is_capped(size, given):
    assert len(page(1500, page_size=size)["results"]) == given


@pytest.mark.parametrize("number", ["0", "-1", "2", "x", "last", "1.5", "9" * 5000, "\x00", "٣"])
def test_a_page_that_does_not_exist_is_404(number):
    with pytest.raises(NotFound, match=r"^Invalid page\.$"):
        page(3, page=number)
