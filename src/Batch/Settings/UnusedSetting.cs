using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Batch.Settings;

/// <summary>
/// A number that changes nothing beside the other settings of an item. If samples drew it, equal pairs would look different in their records. A fixed number does no
/// harm, and may be meant for other items of the run: records leave it out.
/// </summary>
/// <param name="Name">Its key in a plan.</param>
/// <param name="Why">Why it changes nothing.</param>
internal readonly record struct UnusedSetting(string Name, string Why)
{
    /// <summary>The numbers that change nothing beside some values, whether they are given or not.</summary>
    public static IEnumerable<UnusedSetting> Of(SettingValues values)
    {
        // Ends of ranges: the most of one that is 0 is 0 itself.
        var (settings, most) = (values.At(0).ToSettings(), values.At(1).ToSettings());
        var (edit, guidance) = (settings.Edit, settings.Sampling.Guidance);
        if (!edit.Method.UsesGuidance)
            yield return Unused(nameof(SamplingSettings.Guidance), $"The editing method {edit.Method.Name} does not use guidance");
        else if (guidance == 1 && most.Sampling.Guidance == 1)
            yield return Unused(nameof(SamplingSettings.GuidanceRescale), "Guidance 1 leaves nothing to rescale");
        if (edit.SelfResolution == 0)
            yield return Unused(nameof(EditRequest.SelfSteps), "No layer uses the source's self-attention");
        if (most.Edit.CrossSteps.Default.End == 0)
            yield return Unused(nameof(EditRequest.Weights), "No step uses the source's cross-attention, on which weights act");
        if (edit.Blend is null)
            yield return Unused(nameof(EditRequest.BlendThreshold), "No words name a region that may change");
        if (edit.BlendSubtract is null)
            yield return Unused(nameof(EditRequest.BlendSubtractThreshold), "No words name a region to keep");
        if (edit.Blend is null && edit.BlendSubtract is null)
            yield return Unused(nameof(EditRequest.BlendStart), "No words name a region");

        static UnusedSetting Unused(string property, string why) => new(BatchSettings.KeyOf(property), why);
    }
}
