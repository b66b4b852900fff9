using System.CommandLine;
using PromptToPrompt.Cli.Options;
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

    public PictureJudge Load(ParseResult parse) => PictureJudge.Load(
        Path.Combine(ModelFolder.Find(parse.GetValue(judge)!, "--judge", PictureJudge.FileName, "create one with p2p-lab train judge"), PictureJudge.FileName));
}
