using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Inversion;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Oracles;

/// <summary>
/// Null-text inversion written down as algorithm 1 of the paper reads (Mokady et al., arXiv 2211.09794): every attention map in float32, the
/// gradient by autograd through the whole network, both rows again after each timestep. One thing is left out to its advantage: the published
/// code also computes gradients of all weights and throws them away.
/// </summary>
internal sealed class PlainNullText(StableDiffusionModel model, int steps, double guidance) : IDisposable
{
    private readonly DdimScheduler scheduler = new(model.SchedulerConfig, steps);

    /// <summary>U-Net rows computed so far; a backward pass counts as two.</summary>
    public long Rows { get; private set; }

    /// <summary>From the picture (entry 0) to noise.</summary>
    public List<Tensor> Invert(Tensor image, Tensor conditional)
    {
        using var _ = no_grad();
        var latents = new List<Tensor> { image };
        for (var step = steps - 1; step >= 0; step--)
            latents.Add(scheduler.InverseStep(Predict(latents[^1], step, conditional), step, latents[^1]));
        return latents;
    }

    /// <summary>One embedding for each timestep.</summary>
    public List<Tensor> Optimize(List<Tensor> pivots, Tensor conditional, Tensor unconditional, int innerSteps, double earlyStop)
    {
        var found = new List<Tensor>();
        var current = pivots[^1];
        for (var step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            using var optimizer = new Adam(found.LastOrDefault() ?? unconditional);
            Tensor fixedRow;
            using (no_grad())
                fixedRow = Predict(current, step, conditional);
            for (var inner = 0; inner < innerSteps; inner++)
            {
                var embedding = optimizer.Value.detach().requires_grad_();
                var free = Predict(current, step, embedding);
                Rows += 2;
                var reached = scheduler.Step(free.Plus(Scalar(guidance) * (fixedRow - free)), step, current);
                var loss = nn.functional.mse_loss(reached, pivots[steps - step - 1]);
                loss.backward();
                using (no_grad())
                    optimizer.Step(embedding.grad!, 1e-2 * (1 - (step / 100.0)));
                if (loss.ReadDouble() < earlyStop + (step * 2e-5))
                    break;
            }

            using (no_grad())
            {
                var both = Predict(cat([current, current], 0), step, cat([optimizer.Value, conditional], 0));
                var halves = both.chunk(2, 0);
                current = scheduler.Step(halves[0].Plus(Scalar(guidance) * (halves[1] - halves[0])), step, current).MoveToOuterDisposeScope();
                found.Add(optimizer.Value.clone().MoveToOuterDisposeScope());
            }
        }

        return found;
    }

    public void Dispose() => scheduler.Dispose();

    private Tensor Predict(Tensor latents, int step, Tensor text)
    {
        Rows += latents.shape[0];
        return model.UNet.Forward(latents, tensor(new[] { scheduler.Timesteps[step] }), new Conditioning(text), Materialized.Instance);
    }

    private sealed class Materialized : AttentionProcessor
    {
        public static readonly Materialized Instance = new();

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
            => matmul(ScaledDotProduct.Probabilities(query, key), value);
    }
}
