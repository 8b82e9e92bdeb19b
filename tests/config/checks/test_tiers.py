from tests.config.example import problems


def test_a_client_names_a_tier_that_is_there() -> None:
    text = """\
        tiers: {bronze: 10 per 1m, silver: {limit: 100, per: 1m}}
        clients:
          - {id: a, secrets: [x], tier: bronze}
          - {id: b, secrets: [x], tier: bronce}
        """
    assert problems(text) == ["4:33: clients[1].tier: there is no tier of this name (did you mean bronze?)"]


def test_where_a_tier_is_faulty_nobody_is_blamed_for_naming_it() -> None:
    text = """\
        tiers: {bronze: 10 per moon}
        clients: [{id: a, secrets: [x], tier: bronze}]
        """
    assert problems(text) == [
        "1:17: tiers.bronze: must be a rate, such as 1000 per 1m, or a mapping with limit and per"
    ]


def test_the_portal_names_tiers_that_are_there() -> None:
    text = """\
        tiers: {bronze: 10 per 1m}
        portal: {tiers: [bronze, bronce]}
        """
    assert problems(text) == ["2:26: portal.tiers[1]: there is no tier of this name (did you mean bronze?)"]
