"""The model's card on the page."""

import requests

from tests.pages.browser import Page

FEWER = """
(async () => {{
  const {{ showCard }} = await import('/page/card.js');
  showCard({card});
  return document.querySelector('#card').innerText;
}})()
"""


def test_the_card_shows_the_model_and_its_training_data(page: Page, service: str) -> None:
    page.open(service)
    card = requests.get(f"{service}/model", timeout=10).json()
    told = page.text("#card dl")
    for expected in (card["version"], card["digest"], card["manifest"]["data_hash"], card["manifest"]["git_commit"]):
        assert expected in told
    assert "600 pull requests in owner/name, opened from 4 Mar 2024 to 18 May 2024" in told


def test_metrics_are_shown_beside_the_baselines_with_matching_bars(page: Page, service: str) -> None:
    page.open(service)
    names = page.evaluate("[...document.querySelectorAll('tbody th')].map((cell) => cell.innerText)")
    assert names == ["this model", "IsolationForest", "ECOD", "lines added"]
    figures = "[...document.querySelectorAll('tbody td:nth-child(2)')]"
    assert page.evaluate(f"{figures}.map((cell) => Number(cell.innerText))") == [0.6, 0.3, 0.4, 0.1]
    bar = "cell.querySelector('.share span').offsetWidth / cell.querySelector('.share').offsetWidth"
    assert page.evaluate(f"{figures}.map((cell) => Math.round(100 * {bar}))") == [60, 30, 40, 10]


def test_a_card_with_few_fields_shows_those(page: Page, service: str) -> None:
    page.open(service)
    for card in (
        "{}",
        "{version: '7'}",
        "{manifest: {data: {pull_requests: 1}}}",
        "{manifest: {metrics: {ecod: null}}}",
    ):
        told = page.evaluate(FEWER.format(card=card))
        assert not any(word in told for word in ("undefined", "null", "NaN", "Invalid"))
    assert "Trained on\n1 pull request" in page.evaluate(FEWER.format(card="{manifest: {data: {pull_requests: 1}}}"))
    more = "{manifest: {metrics: {model: {average_precision: 0.5}, another_way: {average_precision: 0.25}}}}"
    assert "another way" in page.evaluate(FEWER.format(card=more))


def test_a_result_without_a_distribution_or_reasons_is_shown_as_text(page: Page, service: str) -> None:
    page.open(service)
    told = page.evaluate(
        """
        (async () => {
          const { showResult } = await import('/page/result.js');
          const result = { repository: 'a/b', number: 1, score: 1.5, level: 'standard', history: 'none' };
          showResult(result, { title: '' }, { name: 'pr-sentinel', version: '1' }, null);
          return document.querySelector('#result').innerText;
        })()
        """
    )
    assert "Its score is 1.50." in told
    assert "(no title)" in told
    assert "Nothing about it stands out." in told
    assert "How it compares" not in told
    assert not any(word in told for word in ("undefined", "null", "NaN"))
