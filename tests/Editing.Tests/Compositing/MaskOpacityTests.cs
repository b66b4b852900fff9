using CsCheck;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Compositing;

namespace PromptToPrompt.Editing.Tests.Compositing;

public class MaskOpacityTests
{
    private static readonly Gen<(Image Mask, double Feather)> Cases =
        from width in Gen.Int[1, 24]
        from height in Gen.Int[1, 24]
        from white in Gen.Bool.Array[width * height]
        where white.Contains(true)
        from feather in Gen.Double[0, 3]
        select (Mask(width, height, (x, y) => white[(y * width) + x]), feather);

    [Fact]
    public void NothingShowsOutsideTheMask() => Cases.Sample(sample =>
    {
        byte[] opacities;
        try
        {
            opacities = MaskOpacity.Of(sample.Mask, sample.Feather);
        }
        catch (InvalidInputException)
        {
            return;
        }

        for (var i = 0; i < opacities.Length; i++)
        {
            if (sample.Mask.Rgb[3 * i] == 0)
                Assert.Equal(0, opacities[i]);
            else if (sample.Feather == 0)
                Assert.Equal(255, opacities[i]);
        }
    });

    [Fact]
    public void SoftEdgeRisesFromTheEdgeInwards()
    {
        // The left half is black; the mask reaches to the right border, where nothing fades.
        var opacities = MaskOpacity.Of(Mask(64, 3, (x, _) => x >= 32), feather: 8);
        Assert.All(opacities[..32], opacity => Assert.Equal(0, opacity));
        Assert.InRange(opacities[32], 2, 51);
        Assert.InRange(opacities[32 + 8], 230, 255);
        Assert.Equal(255, opacities[63]);
        Assert.Equal(opacities[..64].Order(), opacities[..64]);
    }

    [Fact]
    public async Task AWideFeatherOfALargeMaskCanBeCancelled()
    {
        using var stop = new CancellationTokenSource();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mask = Mask(3000, 2000, (_, y) => y > 500);
        var work = Task.Run(() =>
        {
            begun.SetResult();
            return MaskOpacity.Of(mask, feather: 1000, stop.Token);
        });
        await begun.Task;
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => work);
    }

    [Fact]
    public void OpenMaskIsTakenWhole() => Assert.All(MaskOpacity.Of(Mask(9, 7, (_, _) => true), feather: 5), opacity => Assert.Equal(255, opacity));

    [Fact]
    public void SoftEdgeWiderThanTheMaskIsRefused() => Assert.Contains(
        "feather of 20", Assert.Throws<InvalidInputException>(() => MaskOpacity.Of(Mask(40, 40, (x, y) => x == 20 && y == 20), feather: 20)).Message);

    [Fact]
    public void EdgeIsHalfALatentPositionWide()
    {
        // The middle 100×100 of a 200×100 image become 50×50: a latent position of 8 covers 16 pixels of the original.
        var framing = Framing.Create(FramingKind.Crop, new(200, 100), new(50, 50), 1);
        var mask = Mask(200, 100, (x, _) => x >= 100);
        Assert.Equal(MaskOpacity.Of(mask, feather: 8), MaskOpacity.Of(mask, framing, perLatent: 8));
    }

    [Fact]
    public void EdgeOfAThinMaskIsNarrower()
    {
        var framing = Framing.Create(FramingKind.Crop, new(40, 40), new(40, 40), 1);
        Assert.Contains(MaskOpacity.Of(Mask(40, 40, (x, y) => x == 20 && y == 20), framing, perLatent: 40), opacity => opacity > 0);
    }

    [Fact]
    public void ABlackMaskIsRefused()
    {
        var framing = Framing.Create(FramingKind.Crop, new(40, 40), new(40, 40), 1);
        Assert.Contains("black everywhere", Assert.Throws<InvalidInputException>(() => MaskOpacity.Of(Mask(40, 40, (_, _) => false), framing, perLatent: 8)).Message);
    }

    internal static Image Mask(int width, int height, Func<int, int, bool> isWhite) => new(
        width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => isWhite(i / 3 % width, i / 3 / width) ? byte.MaxValue : byte.MinValue)]);
}
