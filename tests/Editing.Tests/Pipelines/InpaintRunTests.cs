using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Tests.Compositing;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

public sealed class InpaintRunTests(TinyModel small) : IClassFixture<TinyModel>
{
    // Taller than wide and no multiple of anything.
    private static readonly Image Painted = new(61, 83, [.. Enumerable.Range(0, 61 * 83 * 3).Select(i => (byte)(i % 3 * 70 + (i / 3 % 61)))]);
    private static readonly Image Disc = MaskOpacityTests.Mask(61, 83, (x, y) => ((x - 30) * (x - 30)) + ((y - 41) * (y - 41)) < 400);

    private static readonly PixelSize Size = new(64, 64);
    private static readonly Observation Traced = new() { Trace = true };

    private static readonly InpaintRequest Request = new()
    {
        Image = Painted,
        Mask = Disc,
        Prompt = "a red house in a field",
        Sampling = new() { Steps = 3, Guidance = 4, Seed = 5, Size = Size },
    };

    private static readonly GenerationRequest Generation = new() { Prompt = Request.Prompt, Sampling = Request.Sampling };

    private readonly StableDiffusionModel model = small.Model;

    private int Channels => model.Shape.Vae.LatentChannels;

    [Theory]
    [InlineData(FramingKind.Crop, SchedulerKind.Ddim, 1, 0)]
    [InlineData(FramingKind.Fit, SchedulerKind.Pndm, 1, 3)]
    [InlineData(FramingKind.Pad, SchedulerKind.Euler, 0.7, 0)]
    [InlineData(FramingKind.Pad, SchedulerKind.Pndm, 0.7, 0)]
    [InlineData(FramingKind.Crop, SchedulerKind.DpmSolverPlusPlus, 0.7, 2)]
    public void OnlyPixelsInsideTheMaskChange(FramingKind frame, SchedulerKind scheduler, double strength, double feather)
    {
        using var result = InpaintRun.Execute(
            model, Request with { Frame = frame, Strength = strength, Feather = feather, Sampling = Request.Sampling with { Scheduler = scheduler } });

        Assert.Equal(Painted.Size, result.Image.Size);
        var changed = 0;
        for (var i = 0; i < Painted.Rgb.Length; i++)
        {
            if (Disc.Rgb[i] == 0)
                Assert.Equal(Painted.Rgb[i], result.Image.Rgb[i]);
            else if (Painted.Rgb[i] != result.Image.Rgb[i])
                changed++;
        }

        Assert.True(changed > Disc.Rgb.Count(b => b > 0) / 2, $"{changed} values changed");
    }

    [Fact]
    public void LatentsOutsideTheMaskAreTheImagesOwn()
    {
        using var scope = NewDisposeScope();
        var framing = model.Frame(FramingKind.Crop, Painted.Size, Size);
        var clean = model.Vae.EncodeImage(framing.Apply(Painted));
        using var result = InpaintRun.Execute(model, Request with { KeepOutside = false });

        // The disc does not reach the corners, nor the uppermost rows.
        Assert.True(clean.narrow(2, 0, 2).equal(result.Run.Latents.narrow(2, 0, 2)).all().ToBoolean());
        Assert.False(clean.isclose(result.Run.Latents).all().ToBoolean());
        Assert.Equal(framing.Restore(result.Run.Images[0], Painted).Rgb, result.Image.Rgb);
    }

    [Fact]
    public void MaskThatIsWhiteEverywhereGivesThePromptsImage()
    {
        using var generated = EditRun.Execute(model, Generation);
        using var result = InpaintRun.Execute(model, Request with { Mask = MaskOpacityTests.Mask(61, 83, (_, _) => true) });
        AssertClose(generated.Latents, result.Run.Latents);
    }

    [Fact]
    public void LowStrengthStaysNearTheImage()
    {
        var all = Request with { Sampling = Request.Sampling with { Steps = 20 }, KeepOutside = false };
        using var trained = EmbeddedModel.Load();
        using var weak = InpaintRun.Execute(trained, all with { Strength = 0.1 });
        using var strong = InpaintRun.Execute(trained, all);
        Assert.Equal(2, weak.Run.Timesteps.Count);
        // Both lose what the small autoencoder cannot keep.
        Assert.True(Distance(weak) * 1.5 < Distance(strong), $"{Distance(weak)} and {Distance(strong)}");

        static double Distance(InpaintResult result) => result.Image.Rgb.Zip(Painted.Rgb, (a, b) => (double)Math.Abs(a - b)).Average();
    }

    [Fact]
    public void InpaintingModelIsGivenMaskAndVisibleImage()
    {
        using var scope = NewDisposeScope();
        using var generated = EditRun.Execute(model, Generation);
        var behindTheMask = Painted with { Rgb = [.. Painted.Rgb.Select((b, i) => Disc.Rgb[i] > 0 ? (byte)(255 - b) : b)] };
        var besideTheMask = Painted with { Rgb = [.. Painted.Rgb.Select((b, i) => i < 3 * 61 * 20 ? (byte)(255 - b) : b)] };
        var smaller = MaskOpacityTests.Mask(61, 83, (x, y) => Math.Abs(x - 30) < 10 && Math.Abs(y - 41) < 10);

        using InpaintingModel blind = new(model, new double[1 + Channels]), maskOnly = new(model, [0.3, .. new double[Channels]]), imageOnly = new(model, [0, .. Enumerable.Repeat(0.1, Channels)]);

        // What a model makes of a picture and a mask.
        static Tensor Made(InpaintingModel made, Image image, Image mask)
        {
            using var result = InpaintRun.Execute(made.Model, Request with { Image = image, Mask = mask, Frame = FramingKind.Pad });
            return result.Run.Latents.clone();
        }

        AssertClose(generated.Latents, Made(blind, Painted, Disc));
        var ofMask = Made(maskOnly, Painted, Disc);
        AssertClose(ofMask, Made(maskOnly, besideTheMask, Disc));
        AssertDiffers(ofMask, Made(maskOnly, Painted, smaller));
        var ofImage = Made(imageOnly, Painted, Disc);
        AssertDiffers(ofImage, Made(imageOnly, besideTheMask, Disc));
        AssertDiffers(ofImage, Made(imageOnly, Painted, smaller));

        // Resizing mixes the colors at the edge of the mask, so what is hidden is compared without it.
        Tensor Hidden(Image image) => Made(imageOnly, Padded(image), Padded(Disc));
        AssertClose(Hidden(Painted), Hidden(behindTheMask));
    }

    [Fact]
    public void ModelsOfOtherFormsAreRefused()
    {
        using var inpainting = new InpaintingModel(model, new double[1 + Channels]);
        Assert.Contains("can only inpaint", Assert.Throws<InvalidInputException>(() => EditRun.Execute(inpainting.Model, Generation).Dispose()).Message);
        using var other = new InpaintingModel(model, new double[Channels]);
        Assert.Contains($"{2 * Channels} channels", Refused(other.Model, Request));
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedInOneLine()
    {
        Assert.Contains("61x83", Refused(model, Request with { Mask = MaskOpacityTests.Mask(83, 61, (_, _) => true) }));
        Assert.StartsWith("Strength: ", Refused(model, Request with { Strength = 0 }));
        Assert.StartsWith("Strength: ", Refused(model, Request with { Strength = double.NaN }));
        Assert.StartsWith("Feather: ", Refused(model, Request with { Feather = -1 }));
        Assert.StartsWith("Feather: ", Refused(model, Request with { Feather = 3, KeepOutside = false }));
        Assert.Contains("black", Refused(model, Request with { Mask = MaskOpacityTests.Mask(61, 83, (_, _) => false) }));
        Assert.Contains("black", Refused(model, Request with { Mask = MaskOpacityTests.Mask(61, 83, (_, y) => y < 5) }));
        Assert.Contains("too thin", Refused(model, Request with { Mask = MaskOpacityTests.Mask(61, 83, (x, _) => x == 30) }));
        using var noise = zeros(1, Channels, 4, 4);
        Assert.StartsWith("InitialLatents: ", Refused(model, Request with { InitialLatents = noise }));
    }

    [Fact]
    public void RunsLeaveNoTensorBehind()
    {
        InpaintRun.Execute(model, Request, Traced).Dispose();
        var before = LiveTensors;
        InpaintRun.Execute(model, Request, Traced).Dispose();
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => InpaintRun.Execute(model, Request, Traced, cancellationToken: cancelled.Token));
        Assert.Equal(before, LiveTensors);
    }

    // At the size of the runs, so that framing resizes nothing.
    private static Image Padded(Image image) => new Image(61, 64, [.. Enumerable.Range(10, 64).SelectMany(y => image.Rgb.Skip(y * image.Width * 3).Take(61 * 3))]).Extend(Size, 0, 0);

    private static string Refused(StableDiffusionModel model, InpaintRequest request)
    {
        var message = Assert.Throws<InvalidInputException>(() => InpaintRun.Execute(model, request).Dispose()).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
