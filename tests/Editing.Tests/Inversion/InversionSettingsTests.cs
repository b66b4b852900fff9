using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Editing.Tests.Inversion;

public sealed class InversionSettingsTests
{
    private static readonly InversionSettings House = new() { Prompt = "a house" };

    private static readonly InversionMethod[] Changed =
    [
        new NullTextInversion { InnerSteps = 3, EarlyStop = 1e-4, LearningRate = 0.02, SaveMemory = true },
        new NegativePromptInversion(),
        new ProximalInversion { Quantile = 0.5 },
        new DirectInversion(),
        new DdimInversion(),
        new BdiaInversion { Gamma = 0.9 },
        new EditFriendlyInversion { Skip = 0.2, NoiseShift = 1, NoiseLimit = 15.5, SecondOrder = true, WithoutPrompt = true },
        new VirtualInversion(),
        new UniInversion { Depth = 0.6 },
    ];

    private static readonly Dictionary<string, (string Setting, InversionSettings Settings)> OutOfRange = new()
    {
        ["sampling"] = ("Steps", House with { Sampling = new() { Steps = 0 } }),
        ["steps of null-text"] = ("Steps", House with { Sampling = new() { Steps = 101 } }),
        ["steps of BDIA"] = ("Steps", House with { Method = new BdiaInversion(), Sampling = new() { Steps = 1 } }),
        ["guidance"] = ("Guidance", House with { Sampling = new() { Guidance = -3 } }),
        ["inversion guidance"] = ("InversionGuidance", House with { InversionGuidance = double.NaN }),
        ["negative inversion guidance"] = ("InversionGuidance", House with { InversionGuidance = -1 }),
        ["too much inversion guidance"] = ("InversionGuidance", House with { InversionGuidance = 100_000 }),
        ["fixed point"] = ("FixedPoint", House with { FixedPoint = 101 }),
        ["inner steps"] = ("InnerSteps", House with { Method = new NullTextInversion { InnerSteps = -1 } }),
        ["early stop"] = ("EarlyStop", House with { Method = new NullTextInversion { EarlyStop = double.NaN } }),
        ["learning rate"] = ("LearningRate", House with { Method = new NullTextInversion { LearningRate = 0 } }),
        ["gamma"] = ("Gamma", House with { Method = new BdiaInversion { Gamma = 0 } }),
        ["skip"] = ("Skip", House with { Method = new EditFriendlyInversion { Skip = 1 } }),
        ["noise shift"] = ("NoiseShift", House with { Method = new EditFriendlyInversion { NoiseShift = 51 } }),
        ["noise limit"] = ("NoiseLimit", House with { Method = new EditFriendlyInversion { NoiseLimit = -1 } }),
        ["depth"] = ("Depth", House with { Method = new UniInversion { Depth = 0 } }),
        ["quantile"] = ("Quantile", House with { Method = new ProximalInversion { Quantile = 1.1 } }),
    };

    public static TheoryData<string> Methods => [.. InversionMethod.Names];

    public static TheoryData<string> Cases => [.. OutOfRange.Keys];

    /// <summary>The JSON of the first version, which had one record with the options of all methods.</summary>
    [Fact]
    public void SettingsOfEarlierFilesAreRead()
    {
        const string Written =
            """
            {"Method":"null-text","Prompt":"a house","Windows":1,"ClipSkip":0,"Steps":50,"StepsOffset":null,"Guidance":7.5,"InversionGuidance":null,"FixedPoint":0,
             "InnerSteps":10,"EarlyStop":1E-05,"LearningRate":0.01,"SaveMemory":null,"Skip":0.36,"Seed":0,"Gamma":1,"ProximalQuantile":0.7,"HasGradient":true}
            """;
        Assert.Equal(House, JsonSerializer.Deserialize<InversionSettings>(Written));
        var changed = Written.Replace("null-text", "edit-friendly").Replace("\"Skip\":0.36,\"Seed\":0", "\"Skip\":0.1,\"Seed\":7").Replace("\"Windows\":1", "\"Windows\":2");
        Assert.Equal(
            House with { Method = new EditFriendlyInversion { Skip = 0.1 }, Sampling = new() { Seed = 7, Chunks = 2 } },
            JsonSerializer.Deserialize<InversionSettings>(changed));
    }

    // Earlier versions read these files too: they know no other names, and use the defaults of those that are absent. They do not know uni-inv and shifted noise.
    [Theory]
    [MemberData(nameof(Methods))]
    public void TheJsonIsOneFlatObjectOfTheNamesThatFilesHave(string method)
    {
        string[] known =
        [
            "Method", "Prompt", "Windows", "ClipSkip", "Steps", "StepsOffset", "Guidance", "InversionGuidance", "FixedPoint", "InnerSteps", "EarlyStop",
            "LearningRate", "SaveMemory", "Skip", "Seed", "Gamma", "ProximalQuantile",
            .. method == "uni-inv" ? ["Depth"] : method == "edit-friendly" ? ["NoiseShift", "NoiseLimit", "SecondOrder", "WithoutPrompt"] : Array.Empty<string>(),
        ];
        var json = JsonSerializer.SerializeToNode(House with { Method = Changed.Single(changed => changed.Name == method) })!.AsObject();
        Assert.Empty(json.Select(member => member.Key).Except(known));
        Assert.All(json, member => Assert.True(member.Value is null or JsonValue, member.Key));
        Assert.Equal(method, (string?)json["Method"]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void EveryMethodIsReadWithTheOptionsItWasWrittenWith(string method)
    {
        var settings = new InversionSettings
        {
            Prompt = "a (red:1.2) house",
            Sampling = new()
            {
                Steps = 20,
                Guidance = 4,
                TimestepSpacing = TimestepSpacing.Trailing,
                StepsOffset = 0,
                Seed = ulong.MaxValue,
                Chunks = 2,
                ClipSkip = 1,
            },
            Method = Changed.Single(changed => changed.Name == method),
            InversionGuidance = 2,
            FixedPoint = 3,
        };
        var json = JsonSerializer.Serialize(settings);
        Assert.Equal(settings, JsonSerializer.Deserialize<InversionSettings>(json));
        Assert.Equal(InversionMethod.Named(method), JsonSerializer.Deserialize<InversionSettings>($$"""{"Method":"{{method}}","Prompt":"a house"}""")!.Method);
    }

    [Fact]
    public void AnUnknownMethodIsRefusedByName()
    {
        var refused = Assert.Throws<InvalidInputException>(() => JsonSerializer.Deserialize<InversionSettings>("""{"Method":"magic","Prompt":"a house"}"""));
        Assert.Equal("Method", refused.Setting);
        Assert.Contains("edit-friendly", refused.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ANumberOutOfRangeIsRefusedByName(string name)
    {
        var (setting, settings) = OutOfRange[name];
        Assert.Equal(setting, Assert.Throws<InvalidInputException>(settings.Validate).Setting);
    }

    [Fact]
    public void SamplingSettingsThatDecideNoInversionAreLeftOut()
    {
        var sampling = new Diffusion.Sampling.SamplingSettings { Steps = 3, Seed = 4, GuidanceRescale = 0.7, Scheduler = SchedulerKind.Euler, Negative = "people", Size = new(64, 64), Crop = (1, 1) };
        Assert.Equal(new() { Steps = 3, Seed = 4 }, InversionSettings.ForInversion(sampling));
    }
}
