from tests.config.example import problems


def test_no_lifetime_is_above_the_longest() -> None:
    text = """\
        tokens: {lifetime: 3h, max_lifetime: 2h}
        clients:
          - {id: a, secrets: [x], lifetime: 7200}
          - {id: b, secrets: [x], lifetime: 7201}
        """
    assert problems(text) == [
        "1:20: tokens.lifetime: is longer than tokens.max_lifetime",
        "4:37: clients[1].lifetime: is longer than tokens.max_lifetime",
    ]


def test_a_default_can_be_too_long_too() -> None:
    assert problems("tokens:\n  max_lifetime: 10m\n") == [
        "2:3: tokens.lifetime: is longer than tokens.max_lifetime"
    ]


def test_a_faulty_limit_is_not_held_against_others() -> None:
    (found,) = problems("tokens: {max_lifetime: 7 days}\nclients: [{id: a, secrets: [x], lifetime: 2d}]\n")
    assert "tokens.max_lifetime: must be a duration" in found


def test_a_limit_whose_variable_is_unset_is_not_held_against_others() -> None:
    text = "tokens: {max_lifetime: '${MAX}'}\nclients: [{id: a, secrets: [x], lifetime: 2d}]\n"
    (found,) = problems(text)
    assert "MAX is not set" in found


def test_a_new_token_is_not_due_for_renewal() -> None:
    assert problems("tokens: {lifetime: 60}") == [
        "1:9: tokens.renew_before: must be shorter than tokens.lifetime, or no token is ever reused"
    ]
    assert problems("tokens: {lifetime: 60, renew_before: 59}") == []


def test_renewal_does_not_matter_where_nothing_is_given_out_again() -> None:
    assert problems("tokens: {lifetime: 60, reuse: false}") == []
