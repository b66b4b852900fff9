using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.Sessions;

/// <summary>What of a request depends on its words and numbers alone: checked and worked out before anything is computed.</summary>
internal sealed class EditWords
{
    public EditWords(ClipTokenizer tokenizer, EditRequest request)
    {
        Validate(request);
        var source = PromptReading.Read(tokenizer, request.Source, request.Windows);
        Negative = PromptReading.Read(tokenizer, request.Negative, request.Windows);
        var targets = request.Targets.Select(WeightedPrompt.Parse).ToList();
        Prompts = [source, .. targets.Select(t => tokenizer.TokenizeWindows(t.Text, request.Windows))];
        Edits = [null, .. AttentionEdit.CreateAll(
            Prompts[0],
            [.. targets.Select((t, i) => (Prompts[i + 1], request.Edit with { Weights = [.. request.Edit.Weights, .. t.Weights] }))],
            request.Steps)];
        Prompts = [source, .. Edits.Skip(1).Select(edit => edit!.Alignment.Target with { Emphasis = edit.Alignment.Emphasis() })];
        Blend = request.Blend?.Find(Prompts, nameof(request.Blend));
        BlendSubtract = request.BlendSubtract?.Find(Prompts, nameof(request.BlendSubtract));
    }

    /// <summary>The source prompt, then the targets.</summary>
    public IReadOnlyList<TokenizedPrompt> Prompts { get; }

    /// <summary>What the pictures should not show.</summary>
    public TokenizedPrompt Negative { get; }

    /// <summary>The edit of each prompt, null for the source.</summary>
    public IReadOnlyList<AttentionEdit?> Edits { get; }

    /// <summary>Token positions of the blend words in each prompt.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Blend { get; }

    /// <summary>The same for the subtracted words.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? BlendSubtract { get; }

    /// <summary>Refuses what does not go with a real picture.</summary>
    /// <param name="request">The request.</param>
    /// <param name="settings">How the picture is inverted.</param>
    public static void RequireFits(EditRequest request, InversionSettings settings)
    {
        Require(request.Steps == settings.Steps, $"--steps is {request.Steps}, but the picture was inverted in {settings.Steps}; invert it again.");
        Require(request.Source == settings.Prompt, $"The picture was inverted as \"{settings.Prompt}\"; give that source prompt, or invert it again.");
        Require(request.Sampler is null or SamplerKind.Ddim, "Real pictures are edited with ddim; leave --scheduler out.");
        Require(request.TimestepSpacing is null, "A real picture is edited at the timesteps it was inverted at; leave --spacing out.");
        Require(request.Windows == settings.Windows, $"The prompts are read in {request.Windows} windows, but the picture was inverted with {settings.Windows}; invert it again.");
        Require(request.ClipSkip == settings.ClipSkip, $"--clip-skip is {request.ClipSkip}, but the picture was inverted with {settings.ClipSkip}; invert it again.");
        Require(request.EditSeed is null && request.InitialLatents is null, "A real picture starts from its own noise; leave --edit-seed and --init-latents out.");
        Require(
            request.OriginalSize is null && request.TargetSize is null && request.Crop == default,
            "A real picture is inverted as what it is; leave --original-size, --crop and --target-size out.");
        Require(
            request.Negative.Length == 0 || !InversionMethod.Named(settings.Method).ReplacesUnconditional,
            $"The method {settings.Method} has its own embedding in the negative prompt's place; leave --negative out, or choose direct.");
    }

    private static void Validate(EditRequest request)
    {
        Require(request.Steps is >= 1 and <= 1000, $"--steps is {request.Steps}; give a number from 1 to 1000.");
        Require(request.Windows is >= 1 and <= ClipTokenizer.MostWindows, $"The prompts are to be read in {request.Windows} windows; 1 to {ClipTokenizer.MostWindows} can be.");
        Require(double.IsFinite(request.Guidance), "--guidance must be a finite number.");
        foreach (var (name, value) in new[]
        {
            ("--guidance-rescale", request.GuidanceRescale),
            ("--blend-threshold", request.BlendThreshold), ("--blend-subtract-threshold", request.BlendSubtractThreshold), ("--blend-start", request.BlendStart),
        })
            Require(value is >= 0 and <= 1, $"{name} is {value}; give a number from 0 to 1.");
        if (request.Inverted is not { } inverted)
            return;
        Require(inverted.IsComplete, $"The inversion stopped after {inverted.FinishedSteps} of {inverted.Settings.Steps} steps; finish it first.");
        RequireFits(request, inverted.Settings);
        Require(
            request.Negative.Length == 0 || inverted.Unconditional is null,
            "The inverted picture already carries its own unconditional embedding; leave the negative prompt out.");
    }
}
