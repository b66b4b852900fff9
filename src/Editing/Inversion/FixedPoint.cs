using PromptToPrompt.Diffusion.Native;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Solves x = g(x) by Anderson acceleration (Anderson 1965, "Iterative Procedures for Nonlinear Integral Equations"; for DDIM inversion: Pan et al. 2023, arXiv
/// 2309.04907). Instead of x ← g(x), it combines the last values of g so that their residuals f = g(x) − x, as if g were linear, cancel as far as possible:
/// <code>
/// x ← g(x) − ΔG·γ,   γ = argmin ‖f − ΔF·γ‖
/// </code>
/// where ΔF and ΔG hold the differences of the last residuals and values. It costs no further evaluation of g.
/// </summary>
internal static class FixedPoint
{
    // More differences gain nothing that can be measured.
    private const int Memory = 3;

    // Relative to the mean of the diagonal: nearly parallel differences must not be divided by.
    private const double Regularization = 1e-8;

    /// <summary>Approaches a fixed point.</summary>
    /// <param name="map">The function g. It returns a new tensor.</param>
    /// <param name="start">The first x.</param>
    /// <param name="evaluations">Number of evaluations of g, at least 1; with 1 the result is g(start).</param>
    public static Tensor Solve(Func<Tensor, Tensor> map, Tensor start, int evaluations)
    {
        using var scope = NewDisposeScope();
        var x = start;
        var values = new List<Tensor>();
        var residuals = new List<Tensor>();
        for (var evaluation = 0; evaluation < evaluations; evaluation++)
        {
            values.Add(map(x));
            residuals.Add(values[^1] - x);
            if (values.Count > Memory + 1)
            {
                values.RemoveAt(0);
                residuals.RemoveAt(0);
            }

            x = values.Count == 1 ? values[0] : Combine(values, residuals);
        }

        return x.MoveToOuterDisposeScope();
    }

    private static Tensor Combine(List<Tensor> values, List<Tensor> residuals)
    {
        using var scope = NewDisposeScope();
        var (steps, changes) = (Differences(values), Differences(residuals));
        var gram = changes.matmul(changes.t());
        // The caller reports NaN and infinite values; the solver below would fail.
        if (!FiniteNumbers.AreAll(gram))
            return values[^1].alias().MoveToOuterDisposeScope();
        var ridge = eye(gram.shape[0], dtype: gram.dtype, device: gram.device) * gram.diagonal().mean() * Scalar(Regularization);
        // A difference of zero, at a fixed point, gets the weight zero.
        var weights = linalg.pinv(gram.Plus(ridge)).matmul(changes.matmul(residuals[^1].to(ScalarType.Float64).flatten()));
        var correction = steps.t().matmul(weights).view(values[^1].shape);
        return (values[^1] - correction.to(values[^1].dtype)).MoveToOuterDisposeScope();
    }

    // [count − 1, numbers] in float64.
    private static Tensor Differences(List<Tensor> tensors)
    {
        var all = stack(tensors, 0).to(ScalarType.Float64).flatten(1);
        return all.narrow(0, 1, all.shape[0] - 1) - all.narrow(0, 0, all.shape[0] - 1);
    }
}
