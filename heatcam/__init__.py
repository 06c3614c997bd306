__version__ = "0.0.1"

import warnings

# fastai's use of torch.jit.script is not our users' business, and every worker process would say it again
warnings.filterwarnings('ignore', message=r'`torch\.jit\.script` is deprecated')
