using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>How near DDIM inversion comes to the image if each of its steps is refined.</summary>
/// <param name="Way">How a step is refined.</param>
/// <param name="Steps">Number of steps.</param>
/// <param name="Refinements">Number of refinements of each step; each costs a row, and three by gradients.</param>
/// <param name="Error">Distance of the replayed latents from the image's, relative to their norm: the mean of all images.</param>
internal sealed record Refinement(string Way, int Steps, int Refinements, double Error)
{
    private const double WeightDecay = 0.01;

    /// <summary>
    /// The ways: plain iteration; the mean of the last half of its estimates (as ReNoise averages them, Garibi et al. 2024, arXiv 2403.14602); and Anderson acceleration,
    /// which <see cref="FixedPoint"/> is.
    /// </summary>
    private static readonly (string Name, Func<Func<Tensor, Tensor>, Tensor, int, Tensor> Solve)[] Ways =
    [
        ("plain", (map, start, evaluations) => Iterates(map, start, evaluations)[^1]),
        ("averaged", (map, start, evaluations) => Iterates(map, start, evaluations) is var all ? stack(all.Skip(all.Count / 2).ToArray(), 0).mean([0L]) : start),
        ("Anderson", FixedPoint.Solve),
        ("gradients 0.001", (map, start, evaluations) => ByGradients(map, start, evaluations, rate: 0.001)),
        ("gradients 0.01", (map, start, evaluations) => ByGradients(map, start, evaluations, rate: 0.01)),
    ];

    /// <summary>The names of the ways that cost a row for each refinement.</summary>
    public static IReadOnlyList<string> Names { get; } = ["plain", "averaged", "Anderson"];

    /// <summary>
    /// The names of Anderson acceleration and of gradient descent on ‖g(x) − x‖² with AdamW, at SPDInv's learning rate (Li et al. 2024, arXiv 2403.11105) and at ten times it.
    /// </summary>
    public static IReadOnlyList<string> GradientNames { get; } = ["Anderson", "gradients 0.001", "gradients 0.01"];

    /// <summary>Measures a way on drawings that no model was trained on. Inversion and replay have no guidance, so an exact inversion would have no error.</summary>
    public static Refinement Measure(StableDiffusionModel model, string name, int steps, int refinements, int images, int seed)
    {
        using var _ = no_grad();
        var solve = Ways.First(way => way.Name == name).Solve;
        return new(name, steps, refinements, HeldOutImages.Draw(model, images, seed).Average(image =>
        {
            using var scope = NewDisposeScope();
            var latents = model.Vae.EncodeImage(image.Image, model.Device);
            using var run = new InversionRun(model, latents, new() { Prompt = image.Prompt, Sampling = new() { Steps = steps } }, null, null, null, CancellationToken.None);
            var x = latents;
            for (var step = steps - 1; step >= 0; step--)
            {
                var (from, at) = (x, step);
                x = solve(estimate => run.Scheduler.InverseStep(run.Predict(estimate, at, guidance: 1), at, from, ReferenceEquals(estimate, from) ? null : estimate), from, 1 + refinements);
            }

            var back = DdimInversion.Replay(run, x, guidance: 1, run.Unconditional)[^1];
            return ((back - latents).norm() / latents.norm()).cpu().item<float>();
        }));
    }

    // AdamW with its usual decay. An iteration has a forward and a backward pass.
    private static Tensor ByGradients(Func<Tensor, Tensor> map, Tensor start, int evaluations, double rate)
    {
        using var adam = new Adam(map(start));
        for (var i = 1; i < evaluations; i++)
        {
            using var scope = NewDisposeScope();
            using var _ = enable_grad();
            var x = adam.Value.detach().requires_grad_();
            var loss = (map(x) - x).Squared().mean();
            adam.Step(autograd.grad([loss], [x])[0], rate, WeightDecay);
        }

        return adam.Value.clone();
    }

    private static List<Tensor> Iterates(Func<Tensor, Tensor> map, Tensor start, int evaluations)
    {
        var all = new List<Tensor>();
        for (var i = 0; i < evaluations; i++)
            all.Add(map(i == 0 ? start : all[^1]));
        return all;
    }
}
