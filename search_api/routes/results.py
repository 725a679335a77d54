"""Reuse: is there a result already, so that nobody is asked for paper again."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from archive.access.policy import Caller
from search_api.copy_schemas import ResultForm, ResultsShown
from search_api.openapi import PREFIX, problems_declared
from search_api.results import ResultQuestion, ask_result
from search_api.tokens import Given, acting

router = APIRouter(prefix=PREFIX, tags=["results"])


@router.post(
    "/results",
    summary="Hỏi kết quả đã có / Ask for an existing result",
    response_model=ResultsShown,
    responses=problems_declared(
        "key-refused", "act-forbidden", "purpose-needed", "json-invalid", "request-invalid"
    ),
)
def ask(services: Given, caller: Annotated[Caller, Depends(acting("result.ask"))], form: ResultForm) -> Any:
    """The holder's number stands in the body only. Unknown holder, no result and no right answer alike."""
    question = ResultQuestion(**form.model_dump())
    return JSONResponse(ask_result(services, caller, question).as_json())
