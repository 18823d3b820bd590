import torch

from gesso.methods.meta_networks.factorised import factorised, multiplied


def _layer() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A layer, and inputs that leave their mean in three directions only."""
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(40, 12, generator=generator), torch.randn(40, generator=generator)
    inputs = torch.randn(200, 3, generator=generator) @ torch.randn(3, 12, generator=generator)
    return weight, bias, inputs + torch.randn(12, generator=generator)


def _outputs(thin: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    return inputs @ (thin["left"] @ thin["right"]).T + thin["bias"]


def test_all_the_variance_takes_as_many_directions_as_the_inputs_have() -> None:
    weight, bias, inputs = _layer()
    thin = factorised(weight, bias, inputs, 1 - 1e-9)
    assert thin["left"].shape == (40, 3) and thin["right"].shape == (3, 12)
    torch.testing.assert_close(_outputs(thin, inputs), inputs @ weight.T + bias, atol=1e-4, rtol=0)


def test_what_is_left_out_is_the_variance_not_asked_for() -> None:
    weight, bias, inputs = _layer()
    exact = inputs @ weight.T + bias
    whole = (exact - exact.mean(0)).square().sum()
    for share in (0.5, 0.9):
        error = (_outputs(factorised(weight, bias, inputs, share), inputs) - exact).square().sum()
        assert error <= (1 - share) * whole * 1.001
    # of all products of rank 1 the nearest (Eckart and Young)
    best = torch.linalg.svdvals(exact - exact.mean(0))[1:].square().sum()
    one = factorised(weight, bias, inputs, 1e-6)
    assert one["left"].shape[1] == 1
    torch.testing.assert_close((_outputs(one, inputs) - exact).square().sum(), best)


def test_inputs_that_never_vary_leave_a_constant() -> None:
    weight, bias, inputs = _layer()
    thin = factorised(weight, bias, inputs[:1].expand(5, -1), 0.99)
    same = _outputs(thin, inputs[:1])
    torch.testing.assert_close(same, inputs[:1] @ weight.T + bias, atol=1e-4, rtol=0)


def test_multiplied_leaves_what_is_no_pair_of_the_right_shape() -> None:
    left, right, wanted = torch.ones(4, 2), torch.ones(2, 3), {"a.weight": torch.zeros(4, 3)}
    whole = multiplied({"a.left": left, "a.right": right, "a.bias": right, "b.left": left}, wanted)
    assert set(whole) == {"a.weight", "a.bias", "b.left"}
    torch.testing.assert_close(whole["a.weight"], torch.full((4, 3), 2.0))
    assert set(multiplied({"a.left": left, "a.right": left}, wanted)) == {"a.left", "a.right"}
    huge = {"a.left": torch.ones(10**6, 1), "a.right": torch.ones(1, 10**6)}  # 4 TB if multiplied
    assert set(multiplied(huge, wanted)) == set(huge)
