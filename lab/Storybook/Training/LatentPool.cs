using System.Collections.Concurrent;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.World;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>One encoded image: its scene, its latents and the regions of its parts.</summary>
/// <param name="Number">Number of the image.</param>
/// <param name="Scene">The drawn scene.</param>
/// <param name="Latents">Scaled latents, channel by channel.</param>
/// <param name="Regions">Coverage of each <see cref="Part"/> over the latents' positions, indexed by part.</param>
internal sealed record EncodedImage(long Number, Scene Scene, float[] Latents, float[][] Regions);

/// <summary>
/// Draws and encodes images on a separate thread, ahead of the trainer up to a limit. The first <c>capacity</c> images
/// are kept; after them they are reused with newly worded captions, so that encoding costs nothing for the rest of the run.
/// </summary>
internal sealed class LatentPool : IDisposable
{
    private const int Batch = 16;
    private readonly Images images;
    private readonly AutoencoderKL vae;
    private readonly int capacity;
    private readonly List<EncodedImage> kept = [];
    private readonly BlockingCollection<EncodedImage> ready = new(boundedCapacity: 512);
    private readonly CancellationTokenSource cancellationToken = new();
    private readonly Thread thread;
    private Exception? failure;

    public LatentPool(int seed, AutoencoderKL vae, int capacity, long first, long end)
    {
        images = new Images(seed);
        this.vae = vae;
        this.capacity = capacity;
        thread = new Thread(() => Produce(first, end)) { IsBackground = true, Name = "latent pool" };
        thread.Start();
    }

    public EncodedImage Next()
    {
        try
        {
            return ready.Take(cancellationToken.Token);
        }
        catch (Exception) when (failure is not null)
        {
            throw new InvalidOperationException("Drawing pictures for training failed.", failure);
        }
    }

    public void Dispose()
    {
        cancellationToken.Cancel();
        thread.Join();
        ready.Dispose();
        cancellationToken.Dispose();
        images.Dispose();
    }

    private void Produce(long first, long end)
    {
        try
        {
            for (var number = first; number < end; number += Batch)
            {
                if (kept.Count < capacity)
                    kept.AddRange(Encode(number));
                for (var i = 0; i < Batch; i++)
                {
                    var index = (int)((number - first + i) % capacity);
                    ready.Add(kept[index] with { Number = number + i }, cancellationToken.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception error)
        {
            failure = error;
            cancellationToken.Cancel();
        }
    }

    private IEnumerable<EncodedImage> Encode(long number)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var scenes = Enumerable.Range(0, Batch).Select(i => images.Scene(number + i)).ToList();
        var paintings = scenes.Select(images.Paint).ToList();
        var latents = vae.Encode(Images.Pixels(paintings));
        var side = (int)latents.shape[2];
        return [.. scenes.Select((scene, i) => new EncodedImage(number + i, scene, latents[i].data<float>().ToArray(),
            [.. Enum.GetValues<Part>().Select(part => paintings[i].Region(part, side, side))]))];
    }
}
