using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Judging;

/// <summary>A judge's assessment of an image.</summary>
internal sealed class Judgement
{
    private readonly float[][] probabilities;

    internal Judgement(float[][] probabilities) => this.probabilities = probabilities;

    /// <summary>The most likely value of a slot.</summary>
    public int Best(Slot slot) => Array.IndexOf(probabilities[(int)slot], probabilities[(int)slot].Max());

    /// <summary>Probability of a slot's value, 0…1.</summary>
    public double Probability(Slot slot, int value) => probabilities[(int)slot][value];

    /// <summary>Whether a slot agrees with a scene; null if the scene does not specify it.</summary>
    public bool? Agrees(Scene scene, Slot slot) => Slots.Of(scene, slot) is { } value ? Best(slot) == value : null;
}
