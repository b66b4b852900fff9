using CsCheck;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Diffusion.Tests.Images;

/// <summary>Settings in the form of AUTOMATIC1111's web UI.</summary>
public sealed class GenerationParametersTests
{
    [Fact]
    public void TheTextIsAsOthersWriteIt() => Assert.Equal(
        """
        a cat
        on a mat
        Negative prompt: rain, snow
        Steps: 50, Sampler: DDIM, CFG scale: 7.5, Seed: 0, Size: 512x512, Edited from: "a dog, asleep"
        """,
        new GenerationParameters("a cat\non a mat", "rain, snow", [new("Steps", "50"), new("Sampler", "DDIM"), new("CFG scale", "7.5"), new("Seed", "0"), new("Size", "512x512"), new("Edited from", "a dog, asleep")]).ToString());

    [Theory]
    [InlineData("a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1", "a cat", "", 4)]
    [InlineData("a cat\r\nNegative prompt: rain\r\nsnow\r\nSteps: 20, Sampler: DPM++ 2M Karras, Seed: 18446744073709551615, Lora hashes: \"a: 1b, c: 2d\", Version: v1.9", "a cat", "rain\nsnow", 5)]
    [InlineData("Negative prompt: rain\nSteps: 1, Seed: 2, Size: 8x8", "", "rain", 3)]
    [InlineData("a prompt with a colon: a cat, a dog", "a prompt with a colon: a cat, a dog", "", 0)]
    [InlineData("", "", "", 0)]
    public void WhatOthersWroteIsRead(string text, string prompt, string negative, int settings)
    {
        var read = GenerationParameters.Parse(text);
        Assert.Equal((prompt, negative, settings), (read.Prompt, read.Negative, read.Settings.Count));
        Assert.Equal(settings == 5 ? "a: 1b, c: 2d" : null, read["Lora hashes"]);
    }

    [Fact]
    public void AnyValueOfASettingIsReadAsItWasWritten() => Gen.String[Gen.Char.AlphaNumeric, 1, 9].Select(Gen.String[Gen.Char["ab,:\"\\ /é猫"], 1, 12]).Array[3, 6].Sample(pairs =>
    {
        KeyValuePair<string, string>[] settings = [.. pairs.Select((pair, i) => KeyValuePair.Create($"{pair.Item1} {i}", pair.Item2.Trim())).Where(setting => setting.Value.Length > 0)];
        var read = GenerationParameters.Parse(new GenerationParameters("a cat", "", settings).ToString());
        if (settings.Length >= 3)
            Assert.Equal(settings, read.Settings);
    });

    [Fact]
    public void AnyTextIsReadInNoTime() => Gen.String[Gen.Char["a :,\"\\-\n"], 0, 50_000].Sample(text => GenerationParameters.Parse(text), iter: 20);
}
