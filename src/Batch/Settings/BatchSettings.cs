using System.Globalization;
using System.Text.Json;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Batch.Settings;

/// <summary>All settings that an item or a run may give. The keys of a plan and the options of the command are made from this list.</summary>
internal static class BatchSettings
{
    /// <summary>The setting that names the scheduler, which given images do not take.</summary>
    public const string Scheduler = "scheduler";

    /// <summary>The settings that concern given images; <see cref="Method"/> may also name an editing method.</summary>
    public const string Method = "method", Frame = "frame", OverOriginal = "over_original";

    /// <summary>Settings of Prompt-to-Prompt only.</summary>
    public const string Cross = "cross", Self = "self";

    /// <summary>The settings, by subject.</summary>
    public static readonly IReadOnlyList<BatchSetting> All =
    [
        Sampled("steps", "Denoising steps", SettingForm.WholeNumber, (s, text) => s with { Steps = Whole(text, nameof(s.Steps)) }),
        Sampled("guidance", $"Classifier-free guidance scale, 0 to {SamplingSettings.MaxGuidance}", SettingForm.Number, (s, text) => s with { Guidance = Number(text) }),
        Sampled("guidance_rescale", "Guidance rescale, 0 to 1", SettingForm.Number, (s, text) => s with { GuidanceRescale = Number(text) }),
        Sampled(Scheduler, $"Scheduler: {string.Join(", ", Schedulers.All)}", SettingForm.Text, (s, text) => s with { Scheduler = Schedulers.Parse(text) }),
        Sampled("spacing", "Timestep spacing: leading, trailing, linspace", SettingForm.Text, (s, text) => s with { TimestepSpacing = Choice<TimestepSpacing>(text) }),
        Sampled("negative", "Negative prompt", SettingForm.Text, (s, text) => s with { Negative = text }),
        Sampled("clip_skip", "Final text-encoder layers to skip", SettingForm.WholeNumber, (s, text) => s with { ClipSkip = Whole(text, nameof(s.ClipSkip)) }),
        Sampled("size", "Image size, such as 512x512", SettingForm.Text, (s, text) => s with { Size = Size(text) }),
        new("long_prompts", SettingSubject.Sampling, SettingForm.Flag, "Encode prompts of more than 77 tokens in chunks instead of truncating them", (s, text) => s with { LongPrompts = bool.Parse(text) }),

        Edited("kind", "Alignment of the prompts: auto, replace, refine, naive", SettingForm.Text, (e, text) => e with { Alignment = Choice<AlignmentKind>(text) }),
        Edited(Cross, "Part of the steps, from the first, that uses the source's cross-attention", SettingForm.Number, (e, text) => e with { CrossSteps = new(Until(text, "Cross")) }),
        Edited(Self, "Part of the steps, from the first, that uses the source's self-attention", SettingForm.Number, (e, text) => e with { SelfSteps = Until(text, "Self") }),
        Edited("self_resolution", "Largest side of the layers that use the source's self-attention, or all", SettingForm.Text, (e, text) => e with { SelfResolution = Side(text) }),
        Edited("self_unconditional", "Use the source's self-attention in unconditional rows too", SettingForm.Flag, (e, text) => e with { SelfUnconditional = bool.Parse(text) }),
        Edited("weight", "Weights of target words, such as snow=1.5,hill=0..1", SettingForm.Words, (e, text) => e with { Weights = [.. text.Split(',').Select(WordWeight.Parse)] }),
        Edited("blend", "Change only the region of these words", SettingForm.Text, (e, text) => e with { Blend = BlendWords.Parse(text) }),
        Edited("blend_subtract", "Keep the region of these words", SettingForm.Text, (e, text) => e with { BlendSubtract = BlendWords.Parse(text) }),
        Edited("blend_threshold", "Attention threshold of the region, relative to the maximum", SettingForm.Number, (e, text) => e with { BlendThreshold = Number(text) }),
        Edited("blend_subtract_threshold", "Attention threshold of the subtracted region", SettingForm.Number, (e, text) => e with { BlendSubtractThreshold = Number(text) }),
        Edited("blend_start", "Part of the steps before blending starts", SettingForm.Number, (e, text) => e with { BlendStart = Number(text) }),

        new(Method, SettingSubject.Methods, SettingForm.Text, $"Methods of editing and of the inversion of given images: {MethodChoice.Form}", (s, text) => With(s, Chosen(text))),
        new(Frame, SettingSubject.Inversion, SettingForm.Text, "Fit of given images to the model's size: crop, fit, pad", (s, text) => s with { Frame = Choice<FramingKind>(text) }),
        new(OverOriginal, SettingSubject.Inversion, SettingForm.Flag, "Draw edits over the given image, which keeps what they do not change; false: as the model decodes them", (s, text) => s with { OverOriginal = bool.Parse(text) }),
    ];

    /// <summary>The setting with a name; null if there is none.</summary>
    public static BatchSetting? Find(string name) => All.FirstOrDefault(setting => setting.Name == name);

    /// <summary>The key of a plan that sets a property, for errors.</summary>
    /// <param name="property">Name of the property.</param>
    public static string KeyOf(string property) => property switch
    {
        nameof(SamplingSettings.TimestepSpacing) => "spacing",
        nameof(SamplingSettings.Chunks) => "long_prompts",
        nameof(EditRequest.Alignment) => "kind",
        nameof(EditRequest.CrossSteps) => "cross",
        nameof(EditRequest.SelfSteps) => "self",
        nameof(EditRequest.Weights) => "weight",
        nameof(EditRequest.Prompts) => "target",
        nameof(GenerationRequest.Prompt) => "source",
        _ => JsonNamingPolicy.SnakeCaseLower.ConvertName(property),
    };

    private static BatchSetting Sampled(string name, string description, SettingForm form, Func<SamplingSettings, string, SamplingSettings> set) =>
        new(name, SettingSubject.Sampling, form, description, (settings, text) => settings with { Sampling = set(settings.Sampling, text) });

    private static BatchSetting Edited(string name, string description, SettingForm form, Func<EditRequest, string, EditRequest> set) =>
        new(name, name.StartsWith("blend", StringComparison.Ordinal) ? SettingSubject.Blend : SettingSubject.Edit, form, description, (settings, text) => settings with { Edit = set(settings.Edit, text) });

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static int Whole(string text, string setting)
    {
        var number = Number(text);
        RequireRange(number, int.MinValue, int.MaxValue, setting);
        return (int)number;
    }

    private static StepWindow Until(string text, string setting)
    {
        var end = Number(text);
        RequireRange(end, 0.0, 1.0, setting);
        return StepWindow.Until(end);
    }

    private static int Side(string text) => text == "all" ? EditRequest.MaxSelfResolution
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var side) ? side
        : throw new InvalidInputException($"\"{text}\" is not valid. Use a number of positions such as 32, or all.");

    private static PixelSize Size(string text) => text.Split('x') is [var width, var height]
        && int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out var across) && int.TryParse(height, NumberStyles.None, CultureInfo.InvariantCulture, out var down)
        && across > 0 && down > 0
        ? new(across, down) : throw new InvalidInputException($"\"{text}\" is not valid. Use WIDTHxHEIGHT such as 512x512.");

    private static SampleSettings With(SampleSettings settings, MethodChoice choice) => settings with { Method = choice, Edit = settings.Edit with { Method = choice.EditMethod } };

    private static MethodChoice Chosen(string text)
    {
        try
        {
            return MethodChoice.Parse(text);
        }
        catch (FormatException)
        {
            throw new InvalidInputException($"\"{text}\" is unknown. {Suggestion.Question(MethodChoice.Suggest(text))}Use {MethodChoice.Form}.");
        }
    }

    private static T Choice<T>(string text)
        where T : struct, Enum => Enum.GetNames<T>().Contains(text, StringComparer.OrdinalIgnoreCase) ? Enum.Parse<T>(text, ignoreCase: true)
        : throw new InvalidInputException($"\"{text}\" is unknown. {Suggestion.Advice(text, [.. Enum.GetNames<T>().Select(name => name.ToLowerInvariant())])}");
}
