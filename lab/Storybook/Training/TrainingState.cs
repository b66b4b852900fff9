using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// The file of an interrupted training: weights, averages and optimizer state in float32, the number of steps and the state of the random
/// numbers. It is the same on all devices and in all types.
/// </summary>
internal static class TrainingState
{
    private const string GeneratorName = "generator";

    /// <summary>Writes a state, atomically.</summary>
    /// <param name="path">Destination path.</param>
    /// <param name="generator">The source of the training's random numbers.</param>
    /// <param name="parameters">The parameters with the start of their names in the file.</param>
    public static void Save(string path, Generator generator, params IEnumerable<(string Prefix, FlatParameters Parameters)> parameters)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(path, [.. parameters.SelectMany(one => one.Parameters.State(one.Prefix)), new(GeneratorName, generator.get_state())]);
    }

    /// <summary>Reads a state into the parameters and the generator.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The state belongs to a model of another size.</exception>
    /// <inheritdoc cref="Save"/>
    public static void Load(string path, Generator generator, params IEnumerable<(string Prefix, FlatParameters Parameters)> parameters)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        var steps = 0L;
        foreach (var (prefix, one) in parameters)
        {
            one.Load(file, prefix);
            steps = Math.Max(steps, one.Steps);
        }

        // States of earlier versions have no random numbers. Without others, the run would see the same noise again.
        if (file.Tensors.ContainsKey(GeneratorName))
            generator.set_state(file.Read(GeneratorName).clone());
        else
            generator.manual_seed(generator.initial_seed() + steps);
    }
}
