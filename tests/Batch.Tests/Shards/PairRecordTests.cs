using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Batch.Tests.Shards;

public sealed class PairRecordTests
{
    private static readonly Image Plain = new(8, 8, new byte[8 * 8 * 3]);

    [Fact]
    public void EqualPairsHaveEqualFingerprints()
    {
        // Defaults that are given, and settings that do not concern a source from noise.
        var usual = Fingerprint(SettingValues.Defaults);
        Assert.Equal(usual, Fingerprint(SettingValues.Defaults.With("kind", "auto").With("self_unconditional", "false")));
        Assert.Equal(usual, Fingerprint(SettingValues.Defaults.With("method", "direct").With("frame", "pad")));
        var given = Fingerprint(SettingValues.Defaults, image: "cat.png");
        Assert.All(["null-text", "p2p", "Null-Text+P2P"], method => Assert.Equal(given, Fingerprint(SettingValues.Defaults.With("method", method), image: "cat.png")));
        Assert.Equal(Fingerprint(SettingValues.Defaults.With("method", "masactrl"), image: "cat.png"), Fingerprint(SettingValues.Defaults.With("method", "direct+MasaCtrl"), image: "cat.png"));
        Assert.Equal(Fingerprint(SettingValues.Defaults.With("method", "masactrl")), Fingerprint(SettingValues.Defaults.With("method", "ddim+masactrl")));
        // Most methods of inversion do not use the seed.
        var direct = SettingValues.Defaults.With("method", "direct");
        Assert.Equal(Fingerprint(direct, seed: 1, image: "cat.png"), Fingerprint(direct, seed: 2, image: "same.png"));
    }

    [Fact]
    public void DifferentPairsHaveDifferentFingerprints()
    {
        var friendly = SettingValues.Defaults.With("method", "edit-friendly");
        string[] all =
        [
            Fingerprint(SettingValues.Defaults), Fingerprint(SettingValues.Defaults, seed: 2), Fingerprint(SettingValues.Defaults, dtype: "bfloat16"),
            Fingerprint(SettingValues.Defaults.With("self", "0.3")), Fingerprint(SettingValues.Defaults.With("weight", "dog=2")), Fingerprint(SettingValues.Defaults.With("weight", "dog=3")),
            Fingerprint(SettingValues.Defaults.With("method", "masactrl")), Fingerprint(SettingValues.Defaults.With("method", "masactrl"), image: "cat.png"),
            Fingerprint(SettingValues.Defaults.With("over_original", "false"), image: "cat.png"), Fingerprint(SettingValues.Defaults.With("size", "64x64")), Fingerprint(SettingValues.Defaults, image: "cat.png"),
            Fingerprint(SettingValues.Defaults.With("frame", "pad"), image: "cat.png"), Fingerprint(friendly, image: "cat.png"), Fingerprint(friendly, seed: 2, image: "cat.png"),
            Fingerprint(SettingValues.Defaults, tiles: true),
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    private static string Fingerprint(SettingValues values, ulong seed = 1, string dtype = "float32", string? image = null, bool tiles = false)
    {
        var item = new PlanItem { Index = 0, Line = 1, Source = "a cat", Targets = ["a dog"], Image = image, Content = "" };
        return PairRecord.Of(new Pair(item, new SampleImages(0, seed, values, Plain, [Plain]), 0), ImageFormat.Png, "model", dtype, tiles).Fingerprint;
    }
}
