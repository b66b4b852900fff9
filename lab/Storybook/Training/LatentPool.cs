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
/// Draws and encodes images on separate threads, ahead of the trainer up to a limit. Image i of the sequence shows drawing i modulo the
/// number of kept images, with newly worded captions, so that encoding costs nothing after the first of them. A resumed run encodes the
/// same drawings in the same batches.
/// </summary>
internal sealed class LatentPool : IDisposable
{
    /// <summary>Images that are encoded together.</summary>
    public const int Batch = 16;

    private readonly AutoencoderKL vae;
    private readonly Device device;
    private readonly int capacity;
    private readonly Dictionary<int, EncodedImage> kept = [];
    private readonly BlockingCollection<EncodedImage> ready = new(boundedCapacity: 512);
    private readonly CancellationTokenSource cancellation = new();
    private readonly PictureFeed<Drawn> feed;
    private readonly Thread thread;
    private Exception? failure;

    /// <summary>Starts to draw and encode.</summary>
    /// <param name="seed">Seed of the drawings.</param>
    /// <param name="side">Their side in pixels.</param>
    /// <param name="vae">The autoencoder.</param>
    /// <param name="device">Its device.</param>
    /// <param name="capacity">Number of kept images, a multiple of <see cref="Batch"/>.</param>
    /// <param name="first">The first image of the sequence to return.</param>
    /// <param name="end">The end of the sequence.</param>
    /// <param name="drawingThreads">Threads that draw.</param>
    public LatentPool(int seed, int side, AutoencoderKL vae, Device device, int capacity, long first, long end, int drawingThreads)
    {
        (this.vae, this.device, this.capacity) = (vae, device, capacity);
        var positions = side / vae.Config.PixelsPerLatent;
        // Whole batches, because the images that are encoded together can change the rounding.
        var start = first / Batch * Batch;
        feed = new PictureFeed<Drawn>(seed, Numbers(start, Math.Min(end, start + capacity)).Select(number => (number % capacity, side)), picture => new Drawn(
            picture, [.. Enum.GetValues<Part>().Select(part => picture.Painting.Region(part, positions, positions))]), drawingThreads);
        thread = new Thread(() => Produce(start, first, end)) { IsBackground = true, Name = "latent pool" };
        thread.Start();
    }

    public EncodedImage Next()
    {
        try
        {
            return ready.Take(cancellation.Token);
        }
        catch (Exception) when (failure is not null)
        {
            throw new InvalidOperationException("Drawing pictures for training failed.", failure);
        }
    }

    public void Dispose()
    {
        cancellation.Cancel();
        thread.Join();
        feed.Dispose();
        ready.Dispose();
        cancellation.Dispose();
    }

    // The numbers up to the end of the last batch.
    private static IEnumerable<long> Numbers(long start, long end)
    {
        for (var number = start; number < (end + Batch - 1) / Batch * Batch; number++)
            yield return number;
    }

    private void Produce(long start, long first, long end)
    {
        try
        {
            for (var number = start; number < end; number += Batch)
            {
                var index = (int)(number % capacity);
                if (!kept.ContainsKey(index))
                {
                    foreach (var (image, i) in Encode().Select((image, i) => (image, i)))
                        kept.Add(index + i, image);
                }

                for (var i = (int)Math.Max(0, first - number); i < Batch; i++)
                    ready.Add(kept[index + i] with { Number = number + i }, cancellation.Token);
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception error)
        {
            failure = error;
            cancellation.Cancel();
        }
    }

    private IEnumerable<EncodedImage> Encode()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var drawn = feed.Next(Batch);
        var latents = vae.Encode(Images.Pixels([.. drawn.Select(one => one.Picture.Painting)], device)).cpu();
        return [.. drawn.Select((one, i) => new EncodedImage(one.Picture.Number, one.Picture.Scene, latents[i].data<float>().ToArray(), one.Regions))];
    }

    private sealed record Drawn(DrawnPicture Picture, float[][] Regions);
}
