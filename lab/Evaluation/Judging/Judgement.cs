using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Judging;

/// <summary>What a judge sees in a picture.</summary>
public sealed class Judgement
{
    private readonly float[][] probabilities;

    internal Judgement(float[][] probabilities) => this.probabilities = probabilities;

    /// <summary>The likeliest value of a slot.</summary>
    public int Best(Slot slot) => Array.IndexOf(probabilities[(int)slot], probabilities[(int)slot].Max());

    /// <summary>How likely a value of a slot is, 0…1.</summary>
    public double Probability(Slot slot, int value) => probabilities[(int)slot][value];

    /// <summary>Whether a slot looks as a scene says; null where the scene says nothing of it.</summary>
    public bool? Agrees(Scene scene, Slot slot) => Slots.Of(scene, slot) is { } value ? Best(slot) == value : null;
}
