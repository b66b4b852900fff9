using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Batch.Making;

/// <summary>The request of one sample of an item to the model.</summary>
/// <param name="Number">Number of the sample, from 0.</param>
/// <param name="Values">Its settings, with the numbers that were drawn.</param>
/// <param name="Source">The source, from noise.</param>
/// <param name="Edit">The edits, one of each target.</param>
/// <param name="Inversion">How the item's image is inverted; null for a source from noise.</param>
internal sealed record SampleRequest(int Number, SettingValues Values, GenerationRequest Source, EditRequest Edit, InversionSettings? Inversion)
{
    /// <summary>Draws the settings of a sample.</summary>
    /// <param name="item">The item.</param>
    /// <param name="given">The settings of the run.</param>
    /// <param name="runSeed">The seed of the run.</param>
    /// <param name="number">Number of the sample.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    public static SampleRequest Draw(PlanItem item, SettingValues given, ulong runSeed, int number, ClipTokenizer tokenizer)
    {
        var draw = new SampleDraw(runSeed, item.Content, number);
        var values = item.Settings.Over(given).OverDefaults().Resolve(draw);
        var settings = values.ToSettings();
        var sampling = settings.Sampling with
        {
            Seed = item.Seed is { } first ? unchecked(first + (ulong)number) : draw.Seed,
            Chunks = settings.LongPrompts ? PromptReading.Chunks(tokenizer, [item.Source, settings.Sampling.Negative, .. item.Targets]) : 1,
        };
        var inversion = item.Image is null ? null
            : new InversionSettings { Prompt = item.Source, Sampling = InversionSettings.ForInversion(sampling), Method = settings.Inversion };
        return new(number, values, new GenerationRequest { Prompt = item.Source, Sampling = sampling }, settings.Edit with { Prompts = item.Targets }, inversion);
    }

    /// <summary>Checks words and numbers without a model.</summary>
    /// <returns>Whether the model reads all words of the prompts.</returns>
    /// <exception cref="Diffusion.InvalidInputException">One of them is invalid.</exception>
    public bool Check(ClipTokenizer tokenizer)
    {
        if (Inversion is { } settings)
        {
            settings.Validate();
            EditWords.RequireFits(Source, Edit, settings);
        }

        return new EditWords(tokenizer, Source, Edit, Inversion).Prompts.All(prompt => prompt.Truncated.Count == 0);
    }
}
