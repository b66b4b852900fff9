using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Sampling;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>All settings of an inversion. The same settings on the same model and image give the same inversion.</summary>
[JsonConverter(typeof(InversionSettingsJson))]
internal sealed record InversionSettings
{
    /// <summary>Maximum of <see cref="FixedPoint"/>.</summary>
    public const int MaxFixedPoint = 100;

    /// <summary>A prompt that describes the image.</summary>
    public required string Prompt { get; init; }

    /// <summary>
    /// DDIM steps, guidance of the edits, chunks and CLIP skip; edits use the same values. Of the other settings only the seed matters, for
    /// edit-friendly inversion; see <see cref="ForInversion"/>.
    /// </summary>
    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>The method with its options.</summary>
    public InversionMethod Method { get; init; } = new NullTextInversion();

    /// <summary>
    /// Guidance during the inversion. Null uses the method's default: 3.5 for edit-friendly (1 if its noise is shifted), 1 for the others, which drift at other values.
    /// </summary>
    public double? InversionGuidance { get; init; }

    /// <summary>Fixed-point refinements of each DDIM inversion step (Pan et al. 2023, arXiv 2309.04907), 0 to <see cref="MaxFixedPoint"/>.</summary>
    public int FixedPoint { get; init; }

    /// <summary>The index of the first step of edits.</summary>
    internal int FirstStep => Method.FirstStep(Sampling.Steps);

    /// <summary>Reduces sampling settings to those that affect an inversion.</summary>
    /// <param name="sampling">The settings.</param>
    public static SamplingSettings ForInversion(SamplingSettings sampling) => new()
    {
        Steps = sampling.Steps,
        Guidance = sampling.Guidance,
        TimestepSpacing = sampling.TimestepSpacing,
        StepsOffset = sampling.StepsOffset,
        Seed = sampling.Seed,
        Chunks = sampling.Chunks,
        ClipSkip = sampling.ClipSkip,
    };

    /// <summary>Checks that all numbers are in range.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A number is out of range.</exception>
    public void Validate()
    {
        Sampling.Validate();
        if (InversionGuidance is { } guidance)
            RequireRange(guidance, 0, SamplingSettings.MaxGuidance, nameof(InversionGuidance));
        RequireRange(FixedPoint, 0, MaxFixedPoint, nameof(FixedPoint));
        Method.Validate(this);
    }
}

/// <summary>Progress of an inversion.</summary>
/// <param name="Stage">The stage: <c>inverting</c>, <c>optimizing</c> or <c>replaying</c>.</param>
/// <param name="Step">Number of completed steps of this stage.</param>
/// <param name="Steps">Total number of steps of this stage.</param>
/// <param name="Rows">U-Net rows computed so far; a backward pass counts as two.</param>
/// <param name="Loss">Loss of the step, if the method optimizes.</param>
public readonly record struct InversionProgress(string Stage, int Step, int Steps, long Rows, double? Loss = null);

/// <summary>The JSON form of inversion settings: one flat object, into which the method writes its options by their names.</summary>
internal sealed class InversionSettingsJson : JsonConverter<InversionSettings>
{
    // A method's options are the properties that can be set.
    private static readonly JsonSerializerOptions Options = new() { IgnoreReadOnlyProperties = true };

    public override InversionSettings Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var flat = JsonElement.ParseValue(ref reader);
        var general = flat.Deserialize<General>() ?? throw new JsonException("The inversion's settings are missing.");
        return general.With((InversionMethod)flat.Deserialize(InversionMethod.Named(general.Method).GetType(), Options)!);
    }

    public override void Write(Utf8JsonWriter writer, InversionSettings value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var part in new[] { JsonSerializer.SerializeToElement(new General(value)), JsonSerializer.SerializeToElement(value.Method, value.Method.GetType(), Options) })
        {
            foreach (var member in part.EnumerateObject())
                member.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private sealed record General
    {
        [JsonConstructor]
        public General()
        {
        }

        [SetsRequiredMembers]
        public General(InversionSettings settings)
        {
            var sampling = settings.Sampling;
            (Method, Prompt, InversionGuidance, FixedPoint) = (settings.Method.Name, settings.Prompt, settings.InversionGuidance, settings.FixedPoint);
            (Windows, ClipSkip, Steps, StepsOffset) = (sampling.Chunks, sampling.ClipSkip, sampling.Steps, sampling.StepsOffset);
            (TimestepSpacing, Guidance, GuidanceRescale, Seed) = (sampling.TimestepSpacing, sampling.Guidance, sampling.GuidanceRescale, sampling.Seed);
        }

        public string Method { get; init; } = new NullTextInversion().Name;

        public required string Prompt { get; init; }

        // The name of the first file version for chunks.
        public int Windows { get; init; } = 1;

        public int ClipSkip { get; init; }

        public int Steps { get; init; } = SamplingSettings.DefaultSteps;

        public int? StepsOffset { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public TimestepSpacing? TimestepSpacing { get; init; }

        public double Guidance { get; init; } = SamplingSettings.DefaultGuidance;

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public double GuidanceRescale { get; init; }

        public double? InversionGuidance { get; init; }

        public int FixedPoint { get; init; }

        [JsonConverter(typeof(SeedJson))]
        public ulong Seed { get; init; }

        public InversionSettings With(InversionMethod method) => new()
        {
            Prompt = Prompt,
            Sampling = new()
            {
                Steps = Steps,
                Guidance = Guidance,
                GuidanceRescale = GuidanceRescale,
                TimestepSpacing = TimestepSpacing,
                StepsOffset = StepsOffset,
                Seed = Seed,
                Chunks = Windows,
                ClipSkip = ClipSkip,
            },
            Method = method,
            InversionGuidance = InversionGuidance,
            FixedPoint = FixedPoint,
        };
    }
}
