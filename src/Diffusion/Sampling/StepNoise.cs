using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The noise that a stochastic algorithm adds at its steps, drawn from a seed. It is the same for all images of a run, and independent of
/// how a run is divided into passes. It equals what PyTorch's CPU generator draws for one image after its initial noise.
/// </summary>
/// <param name="seed">The seed.</param>
internal sealed class StepNoise(ulong seed) : IDisposable
{
    private Generator? generator;
    private int drawn;
    private Tensor? latest;

    /// <summary>The noise of a step, [1, …] in the sample's type; owned by this object and valid until the next call.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="sample">A sample, for its shape, type and device.</param>
    public Tensor Of(int step, Tensor sample)
    {
        long[] shape = [1, .. sample.shape.Skip(1)];
        if (generator is null || step < drawn - 1 || latest is null || !latest.shape.SequenceEqual(shape))
        {
            Dispose();
            generator = new Generator(seed, CPU);
            // The initial noise is drawn first.
            using var start = randn(shape, device: CPU, generator: generator);
        }

        for (; drawn <= step; drawn++)
        {
            latest?.Dispose();
            using var numbers = randn(shape, device: CPU, generator: generator);
            latest = numbers.to(sample.dtype, sample.device, copy: true).DetachFromDisposeScope();
        }

        return latest!;
    }

    /// <summary>Resets the generator; the same noise is then drawn again.</summary>
    public void Dispose()
    {
        generator?.Dispose();
        latest?.Dispose();
        (generator, latest, drawn) = (null, null, 0);
    }
}
