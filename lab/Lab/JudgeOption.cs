using System.CommandLine;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Evaluation.Judging;

namespace PromptToPrompt.Lab;

/// <summary>The option that selects the judge.</summary>
internal sealed class JudgeOption
{
    private readonly Option<string> judge = new("--judge")
    {
        Description = "Classifier: directory written by \"p2p-lab train judge\", or the name of a folder in models/",
        HelpName = "dir|name",
        DefaultValueFactory = _ => "judge",
    };

    public JudgeOption AddTo(Command command)
    {
        command.Add(judge);
        return this;
    }

    public ImageJudge Load(ParseResult parse)
    {
        var name = parse.GetValue(judge)!;
        var folder = ModelLocation.FindFolder(name, ImageJudge.FileName)
            ?? throw new InvalidInputException(judge.Name, $"There is no directory \"{name}\", and no models/{name} here or in a folder above.", "Train one with p2p-lab train judge.");
        return ImageJudge.Load(Path.Combine(folder, ImageJudge.FileName));
    }
}
